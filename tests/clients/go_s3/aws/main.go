// The AWS SDK for Go v2, unmodified, on S3's side of the server: aws ENDPOINT BUCKET SHARED CERTIFICATE. Everyday calls with its
// default checksums (over TLS they stand behind the body), its uploads in parts, its links fetched by plain HTTP. Prints
// NAME TAB VALUE; the expected values are in test_s3_sdks.py. Keys: OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	. "coatcheck.test/s3/facts"
)

const key = "dir one/k+1 ü"

var (
	ctx        = context.Background()
	bucket     *string
	client     *s3.Client
	plain      *http.Client
	operations = map[string]bool{}
	large      = bytes.Repeat([]byte("coat check "), 1024*1024)
)

func main() {
	bucket = aws.String(os.Args[2])
	plain = trusting(os.Args[4])
	client = newClient(os.Getenv("OSS_ACCESS_KEY_SECRET"))
	buckets()
	objects()
	streams()
	parts()
	copies()
	lists()
	tags()
	conditions()
	lockFile()
	versions()
	links()
	refusals()
	deletes()
	shared()
	Tell("operations", len(operations))
}

func trusting(certificate string) *http.Client {
	pem, err := os.ReadFile(certificate)
	Check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
}

func newClient(secret string) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint:     aws.String(os.Args[1]),
		Region:           "us-east-1",
		UsePathStyle:     true,
		HTTPClient:       plain,
		RetryMaxAttempts: 1,
		Credentials:      credentials.NewStaticCredentialsProvider(os.Getenv("OSS_ACCESS_KEY_ID"), secret, ""),
		APIOptions:       []func(*middleware.Stack) error{count},
		// What config.LoadDefaultConfig sets, whose packages would take longer to compile than all the rest.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
	})
}

func count(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("count", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		operations[middleware.GetOperationName(ctx)] = true
		return next.HandleInitialize(ctx, in)
	}), middleware.Before)
}

func buckets() {
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})
	Check(err)
	_, err = client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})
	Tell("again", refusal(err))
	head, err := client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: bucket})
	Check(err)
	Tell("region", *head.BucketRegion)
	listed, err := client.ListBuckets(ctx, &s3.ListBucketsInput{Prefix: bucket})
	Check(err)
	Tell("buckets", len(listed.Buckets))
	found, err := manager.GetBucketRegion(ctx, client, *bucket)
	Check(err)
	Tell("found region", found)
}

func objects() {
	stored := put(key, "hello", func(in *s3.PutObjectInput) {
		in.Metadata = map[string]string{"colour": "green"}
		in.ContentType = aws.String("text/plain")
		in.Tagging = aws.String("a=b&c=d+e")
	})
	Tell("etag", *stored.ETag)
	Tell("crc32", *stored.ChecksumCRC32)
	got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String(key)})
	Check(err)
	Tell("get", string(All(got.Body)), got.Metadata["colour"], *got.ContentType, *got.TagCount, *got.ChecksumCRC32)
	part, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String(key), Range: aws.String("bytes=1-2")})
	Check(err)
	Tell("range", string(All(part.Body)), *part.ContentRange)
	head, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String(key)})
	Check(err)
	Tell("head", *head.ContentLength, head.LastModified.After(time.Now().Add(-time.Hour)))
	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String(key), IfNoneMatch: stored.ETag})
	Tell("unchanged", refusal(err))
	Check(s3.NewObjectExistsWaiter(client).Wait(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String(key)}, time.Minute))
}

// What can't be read twice has its checksum behind it, and so has everything over TLS.
func streams() {
	for _, algorithm := range types.ChecksumAlgorithmCrc32.Values() {
		switch algorithm {
		case types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmCrc64nvme,
			types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256:
		default:
			continue
		}
		_, err := client.PutObject(ctx, &s3.PutObjectInput{
			Bucket: bucket, Key: aws.String("sum"), Body: io.MultiReader(strings.NewReader("hel"), strings.NewReader("lo")),
			ContentLength: aws.Int64(5), ChecksumAlgorithm: algorithm, ContentEncoding: aws.String("gzip"),
		})
		Check(err)
		kept, err := client.HeadObject(ctx, &s3.HeadObjectInput{
			Bucket: bucket, Key: aws.String("sum"), ChecksumMode: types.ChecksumModeEnabled,
		})
		Check(err)
		for _, value := range []*string{
			kept.ChecksumCRC32, kept.ChecksumCRC32C, kept.ChecksumCRC64NVME, kept.ChecksumSHA1, kept.ChecksumSHA256,
		} {
			if value != nil {
				Tell(string(algorithm), *value, *kept.ContentEncoding)
			}
		}
	}
}

func parts() {
	uploader := manager.NewUploader(client, func(u *manager.Uploader) { u.PartSize = 5 << 20 })
	done, err := uploader.Upload(ctx, &s3.PutObjectInput{
		Bucket: bucket, Key: aws.String("large"), Body: io.MultiReader(bytes.NewReader(large)),
	})
	Check(err)
	Tell("upload", *done.ETag, len(done.CompletedParts), done.ChecksumCRC32 != nil)
	into := manager.NewWriteAtBuffer(nil)
	_, err = manager.NewDownloader(client).Download(ctx, into, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("large")})
	Check(err)
	Tell("download", bytes.Equal(into.Bytes(), large))
	attributes, err := client.GetObjectAttributes(ctx, &s3.GetObjectAttributesInput{
		Bucket: bucket, Key: aws.String("large"),
		ObjectAttributes: []types.ObjectAttributes{types.ObjectAttributesObjectParts, types.ObjectAttributesObjectSize},
	})
	Check(err)
	Tell("attributes", *attributes.ObjectSize, *attributes.ObjectParts.TotalPartsCount, len(attributes.ObjectParts.Parts))

	begun, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: bucket, Key: aws.String("by hand"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme,
	})
	Check(err)
	first, err := client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: bucket, Key: aws.String("by hand"), UploadId: begun.UploadId, PartNumber: aws.Int32(1),
		Body: bytes.NewReader(large[:5<<20]), ChecksumAlgorithm: types.ChecksumAlgorithmCrc64nvme,
	})
	Check(err)
	second, err := client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
		Bucket: bucket, Key: aws.String("by hand"), UploadId: begun.UploadId, PartNumber: aws.Int32(2),
		CopySource: aws.String(*bucket + "/large"), CopySourceRange: aws.String("bytes=0-6"),
	})
	Check(err)
	listed, err := client.ListParts(ctx, &s3.ListPartsInput{Bucket: bucket, Key: aws.String("by hand"), UploadId: begun.UploadId})
	Check(err)
	uploads, err := client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: bucket})
	Check(err)
	Tell("listed", len(listed.Parts), *listed.Parts[1].Size, len(uploads.Uploads))
	complete, err := client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: bucket, Key: aws.String("by hand"), UploadId: begun.UploadId, IfNoneMatch: aws.String("*"),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{
			{PartNumber: aws.Int32(1), ETag: first.ETag, ChecksumCRC64NVME: first.ChecksumCRC64NVME},
			{PartNumber: aws.Int32(2), ETag: second.CopyPartResult.ETag, ChecksumCRC64NVME: second.CopyPartResult.ChecksumCRC64NVME},
		}},
	})
	Check(err)
	Tell("completed", *complete.ChecksumCRC64NVME, complete.ChecksumType)
	aborted, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String("aborted")})
	Check(err)
	_, err = client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: bucket, Key: aws.String("aborted"), UploadId: aborted.UploadId,
	})
	Check(err)
	_, err = client.ListParts(ctx, &s3.ListPartsInput{Bucket: bucket, Key: aws.String("aborted"), UploadId: aborted.UploadId})
	Tell("aborted", refusal(err))
}

func copies() {
	source := aws.String(*bucket + "/dir%20one/k%2B1%20%C3%BC")
	copied, err := client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("copy & ü"), CopySource: source})
	Check(err)
	_, err = client.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: bucket, Key: aws.String("replaced"), CopySource: source, MetadataDirective: types.MetadataDirectiveReplace,
		Metadata: map[string]string{"colour": "red"}, ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	})
	Check(err)
	head, err := client.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: bucket, Key: aws.String("replaced"), ChecksumMode: types.ChecksumModeEnabled,
	})
	Check(err)
	Tell("copy", *copied.CopyObjectResult.ETag, head.Metadata["colour"], *head.ChecksumSHA256)
}

func lists() {
	for _, letter := range "abcdefg" {
		put("list/"+string(letter)+" &<ü+", "")
	}
	put("list/dir/one", "")
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{
		Bucket: bucket, Prefix: aws.String("list/"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(3),
	})
	var sizes, last []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		Check(err)
		sizes = append(sizes, fmt.Sprintf("%d+%d", len(page.Contents), len(page.CommonPrefixes)))
		for _, object := range page.Contents {
			last = append(last, *object.Key)
		}
	}
	Tell("pages", strings.Join(sizes, " "), len(last), last[6])
	old, err := client.ListObjects(ctx, &s3.ListObjectsInput{
		Bucket: bucket, Prefix: aws.String("list/"), MaxKeys: aws.Int32(2), EncodingType: types.EncodingTypeUrl,
	})
	Check(err)
	Tell("old list", *old.IsTruncated, *old.Contents[1].Key)
}

func tags() {
	tagging := &types.Tagging{TagSet: []types.Tag{{Key: aws.String("owner"), Value: aws.String("a@example.com")}}}
	_, err := client.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: bucket, Key: aws.String(key), Tagging: tagging})
	Check(err)
	got, err := client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: bucket, Key: aws.String(key)})
	Check(err)
	Tell("tags", *got.TagSet[0].Key, *got.TagSet[0].Value)
	_, err = client.DeleteObjectTagging(ctx, &s3.DeleteObjectTaggingInput{Bucket: bucket, Key: aws.String(key)})
	Check(err)
	_, err = client.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: bucket})
	Tell("no tags", refusal(err))
}

func conditions() {
	first := put("lock", "mine", onlyNew)
	_, err := client.PutObject(ctx, putInput("lock", "theirs", onlyNew))
	Tell("taken", refusal(err))
	_, err = client.PutObject(ctx, putInput("no lock", "theirs", func(in *s3.PutObjectInput) { in.IfMatch = first.ETag }))
	Tell("absent", refusal(err))
	put("lock", "new", func(in *s3.PutObjectInput) { in.IfMatch = first.ETag })
	_, err = client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("lock"), IfMatch: first.ETag})
	Tell("kept", refusal(err))
}

// What Terraform's and OpenTofu's backends do with use_lockfile: of many who put the lock at once one has it; the others
// read whose it is; its holder reads it, and deletes it.
func lockFile() {
	lock := func(in *s3.PutObjectInput) {
		onlyNew(in)
		in.ContentType = aws.String("application/json")
		in.ChecksumAlgorithm = types.ChecksumAlgorithmSha256
		in.ServerSideEncryption = types.ServerSideEncryptionAes256
	}
	const name = "env:/prod/terraform.tfstate.tflock"
	outcomes := make(chan string)
	for number := range 8 {
		go func() {
			_, err := client.PutObject(ctx, putInput(name, fmt.Sprintf(`{"ID":"%d"}`, number), lock))
			outcomes <- refusal(err)
		}()
	}
	told := map[string]int{}
	for range 8 {
		told[<-outcomes]++
	}
	held, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String(name)})
	Check(err)
	Tell("lock", told["none"], told["PreconditionFailed"], strings.HasPrefix(string(All(held.Body)), `{"ID":`))
	_, err = client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String(name)})
	Check(err)
	put(name, `{"ID":"next"}`, lock)
	_, err = client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String(name)})
	Tell("unlocked", refusal(err))
}

func versions() {
	_, err := client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	Check(err)
	first := put("v", "1")
	put("v", "2")
	gone, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("v")})
	Check(err)
	pinned, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("v"), VersionId: first.VersionId})
	Check(err)
	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("v"), VersionId: gone.VersionId})
	Tell("versions", string(All(pinned.Body)), *gone.DeleteMarker, refusal(err))
	status, err := client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: bucket})
	Check(err)
	Tell("versioning", status.Status)
}

func links() {
	presigner := s3.NewPresignClient(client, s3.WithPresignExpires(10*time.Minute))
	get, err := presigner.PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: bucket, Key: aws.String(key), ResponseContentType: aws.String("text/x-other"),
	})
	Check(err)
	status, header, body := fetch("GET", get.URL, nil, nil)
	Tell("get link", status, header.Get("Content-Type"), body)

	// It moves some headers into the URL, and hands out the others to be sent.
	upload, err := presigner.PresignPutObject(ctx, putInput("by link", "", func(in *s3.PutObjectInput) {
		in.Body = nil
		in.ContentType = aws.String("text/x-link")
		in.Metadata = map[string]string{"colour": "blue"}
	}))
	Check(err)
	Tell("signed headers", Names(upload.SignedHeader))
	status, _, body = fetch("PUT", upload.URL, upload.SignedHeader, []byte("by link"))
	Tell("put link", status, body)
	stored, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("by link")})
	Check(err)
	Tell("put by link", *stored.ContentType, stored.Metadata["colour"])
	changed := upload.SignedHeader.Clone()
	changed.Set("Content-Type", "text/html")
	status, _, body = fetch("PUT", upload.URL, changed, []byte("x"))
	Tell("changed", status, strings.Contains(body, "SignatureDoesNotMatch"))

	part, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String("by links")})
	Check(err)
	linked, err := presigner.PresignUploadPart(ctx, &s3.UploadPartInput{
		Bucket: bucket, Key: aws.String("by links"), UploadId: part.UploadId, PartNumber: aws.Int32(1),
	})
	Check(err)
	status, header, _ = fetch("PUT", linked.URL, linked.SignedHeader, []byte("part"))
	_, err = client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: bucket, Key: aws.String("by links"), UploadId: part.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{
			{PartNumber: aws.Int32(1), ETag: aws.String(header.Get("Etag"))},
		}},
	})
	Tell("part link", status, refusal(err))
	head, err := presigner.PresignHeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String(key)})
	Check(err)
	status, _, _ = fetch("HEAD", head.URL, head.SignedHeader, nil)
	gone, err := presigner.PresignDeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("by link")})
	Check(err)
	deleted, _, _ := fetch("DELETE", gone.URL, gone.SignedHeader, nil)
	Tell("other links", status, deleted)
	post, err := presigner.PresignPostObject(ctx, putInput("by form", ""))
	Check(err)
	Tell("form", len(post.Values), post.URL == os.Args[1]+"/"+*bucket)
}

func refusals() {
	_, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("none")})
	var none *types.NoSuchKey
	Tell("no key", refusal(err), errors.As(err, &none))
	_, err = client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("none")})
	var missing *types.NotFound
	Tell("no head", errors.As(err, &missing))
	_, err = client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("not-there-at-all")})
	Tell("no bucket", refusal(err))
	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String(key), Range: aws.String("bytes=99-")})
	Tell("no range", refusal(err))
	_, err = client.PutObject(ctx, putInput("bad", "hello", func(in *s3.PutObjectInput) { in.ChecksumCRC32 = aws.String("AAAAAA==") }))
	Tell("bad digest", refusal(err))
	_, err = newClient("wrong").ListBuckets(ctx, &s3.ListBucketsInput{})
	Tell("bad secret", refusal(err))
	_, err = client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
	Tell("full", refusal(err))
}

func deletes() {
	left := 0
	pages := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{Bucket: bucket, MaxKeys: aws.Int32(10)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		Check(err)
		var found []types.ObjectIdentifier
		for _, version := range page.Versions {
			found = append(found, types.ObjectIdentifier{Key: version.Key, VersionId: version.VersionId})
		}
		for _, marker := range page.DeleteMarkers {
			found = append(found, types.ObjectIdentifier{Key: marker.Key, VersionId: marker.VersionId})
		}
		gone, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: found}})
		Check(err)
		left += len(found) - len(gone.Deleted)
	}
	_, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
	Tell("deleted", left, refusal(err))
}

// In a bucket of OSS's: what was put there is read, and something is put.
func shared() {
	bucket = aws.String(os.Args[3])
	got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String(key)})
	Check(err)
	Tell("shared", string(All(got.Body)), got.Metadata["colour"])
	put("back", "from S3", func(in *s3.PutObjectInput) { in.Metadata = map[string]string{"colour": "green"} })
}

func onlyNew(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }

func putInput(name, body string, more ...func(*s3.PutObjectInput)) *s3.PutObjectInput {
	in := &s3.PutObjectInput{Bucket: bucket, Key: aws.String(name), Body: strings.NewReader(body)}
	for _, change := range more {
		change(in)
	}
	return in
}

func put(name, body string, more ...func(*s3.PutObjectInput)) *s3.PutObjectOutput {
	stored, err := client.PutObject(ctx, putInput(name, body, more...))
	Check(err)
	return stored
}

func fetch(method, link string, header http.Header, body []byte) (int, http.Header, string) {
	return Fetch(plain, method, link, header, body)
}

func refusal(err error) string {
	var refused smithy.APIError
	switch {
	case err == nil:
		return "none"
	case errors.As(err, &refused):
		return refused.ErrorCode()
	default:
		return err.Error()
	}
}
