# rclone, the first argument: copy, sync, check, link, move, lists, removal, with provider Other, signed by V4 and by V2.
rclone() { "$program" --config /dev/null "$@"; }
program=$1
export RCLONE_CONFIG_S3_TYPE=s3 RCLONE_CONFIG_S3_PROVIDER=Other RCLONE_CONFIG_S3_ENDPOINT="$AWS_ENDPOINT_URL"
export RCLONE_CONFIG_S3_ACCESS_KEY_ID="$AWS_ACCESS_KEY_ID" RCLONE_CONFIG_S3_SECRET_ACCESS_KEY="$AWS_SECRET_ACCESS_KEY"
cd "$(mktemp -d)"

test "$(rclone cat "s3:$BUCKET/from-oss.txt")" = "put by OSS"
printf "put by S3" | rclone rcat "s3:$BUCKET/from-s3.txt"
curl -fsS "$(rclone link "s3:$BUCKET/from-s3.txt")" > linked.txt
test "$(cat linked.txt)" = "put by S3"

mkdir -p tree/inner back
head -c 9000000 /dev/urandom > tree/large.bin
echo one > "tree/inner/ä +&.txt"
for version in 4 2; do
    export RCLONE_S3_V2_AUTH=$([ $version = 2 ] && echo true || echo false)
    rclone sync --s3-upload-cutoff 5M tree "s3:$BUCKET/v$version"
    rclone check --download tree "s3:$BUCKET/v$version"
    rclone copy "s3:$BUCKET/v$version" "s3:$BUCKET/copy$version"  # on the server
    rclone moveto "s3:$BUCKET/copy$version/large.bin" "s3:$BUCKET/copy$version/moved.bin"
    rclone copy "s3:$BUCKET/copy$version" "back/$version"
    cmp tree/large.bin "back/$version/moved.bin"
done
rm tree/large.bin
rclone sync tree "s3:$BUCKET/v4"
rclone lsf --recursive --files-only "s3:$BUCKET/v4"
rclone purge "s3:$BUCKET/v4"
rclone size --json "s3:$BUCKET/v4"
