// Docker's registry (docker/distribution 2.8) with its OSS driver: registry CONFIGURATION. Serves until it is ended.
package main

import (
	"context"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/docker/distribution/configuration"
	"github.com/docker/distribution/registry/handlers"
	_ "github.com/docker/distribution/registry/storage/driver/oss"
)

func main() {
	file, err := os.Open(os.Args[1])
	check(err)
	settings, err := configuration.Parse(file)
	check(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	os.Stdout.WriteString(listener.Addr().String() + "\n")
	check(http.Serve(listener, handlers.NewApp(context.Background(), settings)))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
