// Thanos' object store (thanos-io/objstore) with its OSS provider: a small object and one in parts written, read in a
// range, listed, removed.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	kitlog "github.com/go-kit/log"
	"github.com/thanos-io/objstore/providers/oss"
	"gopkg.in/yaml.v2"
)

func main() {
	settings, err := yaml.Marshal(map[string]string{
		"endpoint":          os.Getenv("OSS_ENDPOINT"),
		"bucket":            os.Getenv("BUCKET"),
		"access_key_id":     os.Getenv("OSS_ACCESS_KEY_ID"),
		"access_key_secret": os.Getenv("OSS_ACCESS_KEY_SECRET"),
	})
	check(err)
	bucket, err := oss.NewBucket(kitlog.NewNopLogger(), settings, "recipe", nil)
	check(err)
	ctx := context.Background()
	check(bucket.Upload(ctx, "blocks/a/meta.json", strings.NewReader("{}")))
	large := bytes.Repeat([]byte("0123456789abcdef"), 9<<16)
	check(bucket.Upload(ctx, "blocks/a/chunks", bytes.NewReader(large)))

	found, err := bucket.Attributes(ctx, "blocks/a/chunks")
	check(err)
	part, err := bucket.GetRange(ctx, "blocks/a/chunks", 16, 10)
	check(err)
	text, err := io.ReadAll(part)
	check(err)
	names := []string{}
	check(bucket.Iter(ctx, "blocks/a/", func(name string) error {
		names = append(names, name)
		return bucket.Delete(ctx, name)
	}))
	there, err := bucket.Exists(ctx, "blocks/a/chunks")
	check(err)
	_, err = bucket.Get(ctx, "blocks/a/chunks")
	fmt.Println(found.Size, string(text), names, there, bucket.IsObjNotFoundErr(err))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
