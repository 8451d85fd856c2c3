// Command rspark-s3 is the object storage of RSpark: Versity's S3 gateway on folders and files, with people and keys of our own.
//
// `rspark-s3 --data DIR --host ADDRESS --port PORT --admin-port PORT` runs until SIGTERM. The token of the administrator's port comes
// on standard input, and `ready` is printed when both ports are open. The folder has `buckets`, and `people.json`.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3api/middlewares"

	"rsparkhub/s3/internal/admin"
	"rsparkhub/s3/internal/buckets"
	"rsparkhub/s3/internal/people"
)

const region = "us-east-1"

func main() {
	log.SetFlags(0)
	data := flag.String("data", "", "the folder that keeps everything")
	host := flag.String("host", "127.0.0.1", "the address to listen on")
	port := flag.Int("port", 0, "the port of S3")
	adminPort := flag.Int("admin-port", 0, "the port of the hub")
	flag.Parse()
	token, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err == nil && len(strings.TrimSpace(token)) < 16 {
		err = errors.New("the token on standard input is too short")
	}
	if err == nil {
		err = run(*data, *host, *port, *adminPort, strings.TrimSpace(token))
	}
	if err != nil {
		log.Fatalf("The object storage ended: %v", err)
	}
}

func run(data, host string, port, adminPort int, token string) error {
	folder := filepath.Join(data, "buckets")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	// From here on the working folder is that of the buckets: what leads to it may be closed to us.
	known, err := people.Open(filepath.Join(data, "people.json"))
	if err != nil {
		return err
	}
	store, err := buckets.Open(folder, known)
	if err != nil {
		return err
	}
	if err := store.Ensure(buckets.Samples, buckets.Root); err != nil {
		return fmt.Errorf("%w: does this file system have extended attributes?", err)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(adminPort)))
	if err != nil {
		return err
	}
	hub := &http.Server{Handler: admin.Handler(token, known, store), ReadHeaderTimeout: 10 * time.Second}
	server, err := s3api.New(
		store, middlewares.RootUserConfig{Access: buckets.Root, Secret: token}, region, known, nil, nil, nil, nil,
		s3api.WithQuiet(), s3api.WithKeepAlive(), s3api.WithDisableACL(), s3api.WithConcurrencyLimiter(4096, 1024),
		s3api.WithMpMaxParts(10000),
		s3api.WithOnListen(func() { fmt.Println("ready") }),
	)
	if err != nil {
		return err
	}
	ended := make(chan error, 2)
	go func() { ended <- hub.Serve(listener) }()
	go func() { ended <- server.ServeMultiPort([]string{net.JoinHostPort(host, strconv.Itoa(port))}) }()
	asked, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	select {
	case err := <-ended:
		return err
	case <-asked.Done():
	}
	_ = hub.Close()
	_ = server.ShutDown()
	return nil
}
