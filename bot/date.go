package bot

import "net/http"

// dates carries calls to Slack, and passes on what its answers say of the time.
type dates struct{ api *API }

// RoundTrip implements http.RoundTripper.
func (d dates) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil || d.api.Dated == nil {
		return answer, err
	}
	if date, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		d.api.Dated(date)
	}
	return answer, nil
}
