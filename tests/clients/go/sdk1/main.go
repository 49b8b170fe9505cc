// OSS's own Go SDK V1: sdk1 ENDPOINT BUCKET - VERSION, which is v1 or v4 (of the signature). Puts, gets, lists, uploads in
// parts, and signs a link for each direction, which it uses itself. Prints NAME TAB VALUE.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/aliyun/aliyun-oss-go-sdk/oss"
)

const (
	key      = "go/ü 1+2 & 文.txt"
	partSize = 100 * 1024
)

var content = bytes.Repeat([]byte("coat check "), 50_000) // 550,000 bytes

func main() {
	client, err := oss.New(os.Args[1], os.Getenv("OSS_ACCESS_KEY_ID"), os.Getenv("OSS_ACCESS_KEY_SECRET"),
		oss.Region("cn-hangzhou"), oss.AuthVersion(oss.AuthVersionType(os.Args[4])))
	check(err)
	bucket, err := client.Bucket(os.Args[2])
	check(err)

	check(bucket.PutObject(key, strings.NewReader("hello from Go"), oss.Meta("k", "v")))
	tell("get", string(read(bucket.GetObject(key))))
	head, err := bucket.GetObjectDetailedMeta(key)
	check(err)
	tell("meta", head.Get("X-Oss-Meta-K"))
	page, err := bucket.ListObjectsV2(oss.Prefix("go/"))
	check(err)
	for _, object := range page.Objects {
		tell("list", object.Key)
	}
	_, err = bucket.GetObject("none")
	var refusal oss.ServiceError
	if errors.As(err, &refusal) {
		tell("none", refusal.Code)
	}
	parts(bucket)
	links(bucket)
	gone, err := bucket.DeleteObjects([]string{key, "multi", "copy", "signed"})
	check(err)
	tell("deleted", fmt.Sprint(len(gone.DeletedObjects)))
}

// parts uploads a file in parts, copies it in parts and downloads it in ranges.
func parts(bucket *oss.Bucket) {
	folder, err := os.MkdirTemp("", "coatcheck-go-")
	check(err)
	defer os.RemoveAll(folder)
	file, down := filepath.Join(folder, "content"), filepath.Join(folder, "down")
	check(os.WriteFile(file, content, 0o600))
	check(bucket.UploadFile("multi", file, partSize, oss.Routines(3)))
	check(bucket.CopyFile(bucket.BucketName, "multi", "copy", partSize))
	check(bucket.DownloadFile("copy", down, partSize, oss.Routines(3)))
	back, err := os.ReadFile(down)
	check(err)
	tell("parts", fmt.Sprint(bytes.Equal(back, content)))
}

// links signs one link to upload with and one to download with.
func links(bucket *oss.Bucket) {
	up, err := bucket.SignURL("signed", oss.HTTPPut, 60, oss.ContentType("text/plain"))
	check(err)
	check(bucket.PutObjectWithURL(up, strings.NewReader("by link"), oss.ContentType("text/plain")))
	down, err := bucket.SignURL("signed", oss.HTTPGet, 60, oss.ResponseContentType("text/html"))
	check(err)
	tell("link", down)
	tell("linked", string(read(bucket.GetObjectWithURL(down))))
}

func read(body io.ReadCloser, err error) []byte {
	check(err)
	defer body.Close()
	content, err := io.ReadAll(body)
	check(err)
	return content
}

func tell(name, value string) {
	fmt.Printf("%s\t%s\n", name, value)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
