// OSS's own Go SDK V2: sdk ENDPOINT BUCKET NAMED_ENDPOINT CUSTOM_DOMAIN. Puts, gets and lists at the endpoint, an IP
// address; signs links, which takes no network, for the other two. Prints NAME TAB VALUE.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"
)

const (
	region = "cn-hangzhou"
	key    = "go/ü 1+2 & 文.txt"
)

func main() {
	ctx, bucket := context.Background(), os.Args[2]
	client, named := newClient(os.Args[1], false), newClient(os.Args[3], false)

	put, err := client.PutObject(ctx, &oss.PutObjectRequest{
		Bucket: oss.Ptr(bucket), Key: oss.Ptr(key), Body: strings.NewReader("hello from Go"),
	})
	check(err)
	tell("put", oss.ToString(put.ETag))

	got, err := client.GetObject(ctx, &oss.GetObjectRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr(key)})
	check(err)
	body, err := io.ReadAll(got.Body)
	check(err)
	tell("get", string(body))

	page, err := client.ListObjectsV2(ctx, &oss.ListObjectsV2Request{Bucket: oss.Ptr(bucket), Prefix: oss.Ptr("go/")})
	check(err)
	for _, object := range page.Contents {
		tell("list", oss.ToString(object.Key))
	}

	_, err = client.GetObject(ctx, &oss.GetObjectRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr("go/none")})
	var refusal *oss.ServiceError
	if errors.As(err, &refusal) {
		tell("none", refusal.Code)
	}

	tell("link", link(named, &oss.GetObjectRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr(key)}))
	tell("version", link(named, &oss.GetObjectRequest{
		Bucket: oss.Ptr(bucket), Key: oss.Ptr(key), VersionId: oss.Ptr("null"),
	}))
	tell("process", link(named, &oss.GetObjectRequest{
		Bucket: oss.Ptr(bucket), Key: oss.Ptr(key), Process: oss.Ptr("image/info"),
	}))
	tell("domain", link(newClient(os.Args[4], true), &oss.GetObjectRequest{Bucket: oss.Ptr(bucket), Key: oss.Ptr(key)}))
}

func newClient(endpoint string, cname bool) *oss.Client {
	return oss.NewClient(oss.LoadDefaultConfig().
		WithCredentialsProvider(credentials.NewEnvironmentVariableCredentialsProvider()).
		WithRegion(region).
		WithEndpoint(endpoint).
		WithUseCName(cname))
}

func link(client *oss.Client, request *oss.GetObjectRequest) string {
	signed, err := client.Presign(context.Background(), request, oss.PresignExpires(time.Hour))
	check(err)
	return signed.URL
}

func tell(name, value string) {
	fmt.Printf("%s\t%s\n", name, value)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
