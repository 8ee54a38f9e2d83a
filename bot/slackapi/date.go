package slackapi

import (
	"net/http"
	"time"
)

// dateReader is an http.RoundTripper that is told the Date of every response; may be nil.
type dateReader func(date time.Time)

// RoundTrip implements http.RoundTripper.
func (d dateReader) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil || d == nil {
		return response, err
	}
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		d(date)
	}
	return response, nil
}
