// A third party that was handed a link: download URL FILE. Prints the status; a refusal's document goes to FILE too.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

func main() {
	if err := download(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func download(url, name string) error {
	client := http.Client{Timeout: 30 * time.Second}
	reply, err := client.Get(url)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.Copy(file, reply.Body); err != nil {
		return err
	}
	fmt.Println(reply.StatusCode)
	return nil
}
