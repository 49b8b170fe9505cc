package photos

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
)

func put(client *oss.Client) error {
	_, err := client.PutObject(context.TODO(), &oss.PutObjectRequest{
		Bucket: oss.Ptr("photos"), Key: oss.Ptr("a.txt"), Body: strings.NewReader("hello"),
	})
	return err
}

func get(client *oss.Client) (string, error) {
	found, err := client.GetObject(context.TODO(), &oss.GetObjectRequest{
		Bucket: oss.Ptr("photos"), Key: oss.Ptr("a.txt"),
	})
	if err != nil {
		return "", err
	}
	defer found.Body.Close()
	body, err := io.ReadAll(found.Body)
	return string(body), err
}

func TestPutAndGet(t *testing.T) {
	client := Client(t, "photos")
	if err := put(client); err != nil {
		t.Fatal(err)
	}
	if body, err := get(client); body != "hello" || err != nil {
		t.Fatal(body, err)
	}
}

func TestLinksEnd(t *testing.T) {
	client := Client(t, "photos")
	if err := put(client); err != nil {
		t.Fatal(err)
	}
	link, err := client.Presign(context.TODO(), &oss.GetObjectRequest{
		Bucket: oss.Ptr("photos"), Key: oss.Ptr("a.txt"),
	}, oss.PresignExpires(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, expected := range []int{200, 403} {
		reply, err := http.Get(link.URL)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		if reply.StatusCode != expected {
			t.Fatalf("%d, not %d", reply.StatusCode, expected)
		}
		Ask(t, "clock-move", map[string]any{"seconds": 2 * 3600}, nil)
	}
}

func TestABusyServiceIsAskedAgain(t *testing.T) {
	client := Client(t, "photos")
	if err := put(client); err != nil {
		t.Fatal(err)
	}
	var fault struct{ ID, Hit int }
	Ask(t, "fault", map[string]any{"operation": "GetObject", "code": "SlowDown", "times": 2}, &fault)
	if body, err := get(client); body != "hello" || err != nil {
		t.Fatal(body, err)
	}
	Ask(t, "fault-remove", map[string]any{"id": fault.ID}, &fault)
	if fault.Hit != 2 {
		t.Fatalf("it was asked again %d times, not 2", fault.Hit)
	}
}

func TestACodeOfTheTable(t *testing.T) {
	client := Client(t, "photos")
	Ask(t, "fault", map[string]any{"operation": "PutObject", "code": "AccessDenied"}, nil)
	var refused *oss.ServiceError
	if err := put(client); !errors.As(err, &refused) || refused.Code != "AccessDenied" {
		t.Fatal(err)
	}
}
