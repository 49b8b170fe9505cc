# AWS's command line, the first argument: cp, presign, sync, mv, ls, rm, and two calls of s3api.
program=$1
aws() { "$program" --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }
cd "$(mktemp -d)"

test "$(aws s3 cp "s3://$BUCKET/from-oss.txt" -)" = "put by OSS"
printf "put by S3" | aws s3 cp - "s3://$BUCKET/from-s3.txt" --content-type text/plain
curl -fsS "$(aws s3 presign "s3://$BUCKET/from-s3.txt")" > linked.txt
test "$(cat linked.txt)" = "put by S3"

mkdir -p tree/inner
head -c 9000000 /dev/urandom > tree/large.bin
echo one > "tree/inner/ä +&.txt"
touch -d "2 minutes ago" tree/large.bin tree/inner/*  # S3's times have whole seconds: what is a moment old looks changed
aws s3 sync tree "s3://$BUCKET/tree" --only-show-errors
test -z "$(aws s3 sync tree "s3://$BUCKET/tree")"
aws s3 mv "s3://$BUCKET/tree/large.bin" "s3://$BUCKET/moved.bin" --only-show-errors
aws s3 sync "s3://$BUCKET/tree" tree --delete --only-show-errors
test ! -e tree/large.bin
test "$(aws s3 ls --recursive "s3://$BUCKET/tree" | cut -c 21-)" = "         4 tree/inner/ä +&.txt"
aws s3 rm --recursive "s3://$BUCKET/tree" --only-show-errors

aws s3api put-object --bucket "$BUCKET" --key sums --body linked.txt --checksum-algorithm SHA256 --tagging a=b > put.json
aws s3api get-object-attributes --bucket "$BUCKET" --key sums --object-attributes Checksum ObjectSize \
    --query '[Checksum.ChecksumSHA256, ObjectSize]' --output text
