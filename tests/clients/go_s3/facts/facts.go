// Package facts is what the programs beside it share: they print NAME TAB VALUE, and end at the first error.
package facts

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sort"
	"strings"
)

// Tell prints a fact.
func Tell(name string, values ...any) {
	fmt.Printf("%s\t%s", name, fmt.Sprintln(values...))
}

// Check ends the program, and names the line that called it, if there is an error.
func Check(err error) {
	if err != nil {
		log.SetFlags(log.Lshortfile)
		_ = log.Output(2, err.Error())
		os.Exit(1)
	}
}

// All is what a body holds; it is closed.
func All(body io.ReadCloser) []byte {
	content, err := io.ReadAll(body)
	Check(err)
	Check(body.Close())
	return content
}

// Fetch is one request by plain HTTP: status, headers, body.
func Fetch(plain *http.Client, method, link string, header http.Header, body []byte) (int, http.Header, string) {
	request, err := http.NewRequest(method, link, bytes.NewReader(body))
	Check(err)
	for name, values := range header {
		request.Header[name] = values
	}
	reply, err := plain.Do(request)
	Check(err)
	return reply.StatusCode, reply.Header, string(All(reply.Body))
}

// Names are those of the headers, in lower case and in order.
func Names(header http.Header) string {
	var found []string
	for name := range header {
		found = append(found, strings.ToLower(name))
	}
	sort.Strings(found)
	return strings.Join(found, " ")
}
