package slackapi

import (
	"net/http"
	"time"
)

// dateReader is an http.RoundTripper that tells the Date of every response.
type dateReader struct {
	http.RoundTripper

	tell func(date time.Time) // may be nil
}

// RoundTrip implements http.RoundTripper.
func (d dateReader) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := d.RoundTripper.RoundTrip(request)
	if err != nil || d.tell == nil {
		return response, err
	}
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		d.tell(date)
	}
	return response, nil
}
