// OSS's own Go SDK V2 over parts, copies, appends, links, tags and versions: objects ENDPOINT BUCKET. Prints NAME TAB
// VALUE.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"
)

const partSize = 100 * 1024

var content = bytes.Repeat([]byte("coat check "), 50_000) // 550,000 bytes

func main() {
	ctx, bucket := context.Background(), oss.Ptr(os.Args[2])
	client := oss.NewClient(oss.LoadDefaultConfig().
		WithCredentialsProvider(credentials.NewEnvironmentVariableCredentialsProvider()).
		WithRegion("cn-hangzhou").
		WithEndpoint(os.Args[1]))
	folder, err := os.MkdirTemp("", "coatcheck-go-")
	check(err)
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "content")
	check(os.WriteFile(file, content, 0o600))

	uploader := oss.NewUploader(client, func(options *oss.UploaderOptions) { options.PartSize = partSize })
	_, err = uploader.UploadFile(ctx, &oss.PutObjectRequest{Bucket: bucket, Key: oss.Ptr("multi/ü")}, file)
	check(err)
	tell("upload", same(read(client, bucket, "multi/ü", nil)))
	down := filepath.Join(folder, "down")
	downloader := oss.NewDownloader(client, func(options *oss.DownloaderOptions) { options.PartSize = partSize })
	_, err = downloader.DownloadFile(ctx, &oss.GetObjectRequest{Bucket: bucket, Key: oss.Ptr("multi/ü")}, down)
	check(err)
	downloaded, err := os.ReadFile(down)
	check(err)
	tell("download", same(downloaded))
	copier := oss.NewCopier(client, func(options *oss.CopierOptions) {
		options.PartSize, options.MultipartCopyThreshold, options.DisableShallowCopy = partSize, 1, true
	})
	_, err = copier.Copy(ctx, &oss.CopyObjectRequest{
		Bucket: bucket, Key: oss.Ptr("copy"), SourceBucket: bucket, SourceKey: oss.Ptr("multi/ü"),
	})
	check(err)
	tell("copy", same(read(client, bucket, "copy", nil)))

	begun, err := client.InitiateMultipartUpload(ctx, &oss.InitiateMultipartUploadRequest{
		Bucket: bucket, Key: oss.Ptr("aborted"),
	})
	check(err)
	uploads := 0
	pages := client.NewListMultipartUploadsPaginator(&oss.ListMultipartUploadsRequest{Bucket: bucket})
	for pages.HasNext() {
		page, err := pages.NextPage(ctx)
		check(err)
		uploads += len(page.Uploads)
	}
	_, err = client.AbortMultipartUpload(ctx, &oss.AbortMultipartUploadRequest{
		Bucket: bucket, Key: oss.Ptr("aborted"), UploadId: begun.UploadId,
	})
	check(err)
	tell("uploads", fmt.Sprint(uploads))

	log, err := client.AppendFile(ctx, *bucket, "log")
	check(err)
	for _, line := range []string{"one\n", "two\n"} {
		_, err = io.Copy(log, strings.NewReader(line))
		check(err)
	}
	check(log.Close())
	tell("append", strings.ReplaceAll(string(read(client, bucket, "log", nil)), "\n", "|"))

	_, err = client.PutSymlink(ctx, &oss.PutSymlinkRequest{Bucket: bucket, Key: oss.Ptr("link"), Target: oss.Ptr("log")})
	check(err)
	link, err := client.GetSymlink(ctx, &oss.GetSymlinkRequest{Bucket: bucket, Key: oss.Ptr("link")})
	check(err)
	tell("link", oss.ToString(link.Target))
	_, err = client.PutObjectTagging(ctx, &oss.PutObjectTaggingRequest{
		Bucket: bucket, Key: oss.Ptr("log"),
		Tagging: &oss.Tagging{TagSet: &oss.TagSet{Tags: []oss.Tag{{Key: oss.Ptr("colour"), Value: oss.Ptr("red")}}}},
	})
	check(err)
	tags, err := client.GetObjectTagging(ctx, &oss.GetObjectTaggingRequest{Bucket: bucket, Key: oss.Ptr("log")})
	check(err)
	tell("tag", oss.ToString(tags.Tags[0].Key)+"="+oss.ToString(tags.Tags[0].Value))

	versions(ctx, client, bucket)
}

func versions(ctx context.Context, client *oss.Client, bucket *string) {
	_, err := client.PutBucketVersioning(ctx, &oss.PutBucketVersioningRequest{
		Bucket: bucket, VersioningConfiguration: &oss.VersioningConfiguration{Status: oss.VersionEnabled},
	})
	check(err)
	var first *string
	for _, body := range []string{"1", "2"} {
		put, err := client.PutObject(ctx, &oss.PutObjectRequest{
			Bucket: bucket, Key: oss.Ptr("v"), Body: strings.NewReader(body),
		})
		check(err)
		if first == nil {
			first = put.VersionId
		}
	}
	gone, err := client.DeleteObject(ctx, &oss.DeleteObjectRequest{Bucket: bucket, Key: oss.Ptr("v")})
	check(err)
	tell("marker", fmt.Sprint(gone.DeleteMarker))
	tell("pinned", string(read(client, bucket, "v", first)))
	_, err = client.GetObject(ctx, &oss.GetObjectRequest{Bucket: bucket, Key: oss.Ptr("v"), VersionId: gone.VersionId})
	var refusal *oss.ServiceError
	if errors.As(err, &refusal) {
		tell("refused", refusal.Code)
	}
	found, markers := 0, 0
	pages := client.NewListObjectVersionsPaginator(&oss.ListObjectVersionsRequest{
		Bucket: bucket, Prefix: oss.Ptr("v"), MaxKeys: 1,
	})
	for pages.HasNext() {
		page, err := pages.NextPage(ctx)
		check(err)
		found += len(page.ObjectVersions)
		markers += len(page.ObjectDeleteMarkers)
	}
	tell("listed", fmt.Sprint(found, markers))
}

func read(client *oss.Client, bucket *string, key string, version *string) []byte {
	got, err := client.GetObject(context.Background(), &oss.GetObjectRequest{
		Bucket: bucket, Key: oss.Ptr(key), VersionId: version,
	})
	check(err)
	body, err := io.ReadAll(got.Body)
	check(err)
	return body
}

func same(body []byte) string {
	return fmt.Sprint(bytes.Equal(body, content))
}

func tell(name, value string) {
	fmt.Printf("%s\t%s\n", name, value)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
