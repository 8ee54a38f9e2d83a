package play

import (
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
)

//go:embed web
var web embed.FS

// policy has the browser load and run nothing but what the page itself serves.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types play"

// tokenHeader carries the token of every call.
const tokenHeader = "X-Sshkeybot-Token" //nolint:gosec // a name

func (p *Page) handler() http.Handler {
	files, err := fs.Sub(web, "web")
	if err != nil {
		panic(err) // it is embedded
	}
	mux := http.NewServeMux()
	for path, file := range map[string]string{"/{$}": "page.html", "/play.js": "play.js", "/search.js": "search.js", "/play.css": "play.css", "/icon.svg": "icon.svg"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, files, file) })
	}
	mux.HandleFunc("POST /session", p.begin)
	mux.Handle("POST /stream", p.authorised(p.stream))
	mux.Handle("POST /act", p.authorised(p.act))
	return p.guarded(mux)
}

// guarded refuses what another site, or a name that leads here, has the browser call.
func (p *Page) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch origin := r.Header.Get("Origin"); {
		case r.Host != p.host:
			http.Error(w, "The page answers at http://"+p.host+" alone.", http.StatusMisdirectedRequest)
		case origin != "" && origin != "http://"+p.host, r.Method == http.MethodPost && origin == "":
			http.Error(w, "Only the page itself may call this.", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// authorised refuses calls without a token.
func (p *Page) authorised(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.keys.knows(r.Header.Get(tokenHeader)) {
			reply(w, http.StatusUnauthorized, answer{Error: "The demo was started anew. Open the address that the terminal shows."})
			return
		}
		next(w, r)
	})
}

// maxBody is the most bytes that a call may carry: a little more than the longest text of a form.
const maxBody = 64 << 10

// decode reads the JSON of a call. If it cannot be read, it says so in reply and returns false.
func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(into)
	if err != nil {
		reply(w, http.StatusBadRequest, answer{Error: "The call cannot be read."})
	}
	return err == nil
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the browser may be gone
}

// begin exchanges a key against a token.
func (p *Page) begin(w http.ResponseWriter, r *http.Request) {
	var call struct{ Key string }
	if !decode(w, r, &call) {
		return
	}
	token, ok := p.keys.exchange(call.Key)
	if !ok {
		reply(w, http.StatusForbidden, answer{Error: "This address was opened before, or is of an earlier demo. Press Enter in the terminal for another one."})
		return
	}
	reply(w, http.StatusOK, answer{Token: token})
}

// answer is what the page is told of a call.
type answer struct {
	Token       string            `json:"token,omitempty"`
	Error       string            `json:"error,omitempty"`  // a sentence
	Errors      map[string]string `json:"errors,omitempty"` // of a form, by block
	Suggestions []suggestion      `json:"suggestions,omitempty"`
	Place       string            `json:"place,omitempty"`  // of a message
	Thread      string            `json:"thread,omitempty"` // that it stands in
	Key         string            `json:"key,omitempty"`    // of another tab
}
