package photos

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"testing"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"
)

// Facts is the ready line of `coatcheck serve --ephemeral --test-controls`.
type Facts struct {
	Endpoint        string `json:"endpoint"`
	Region          string `json:"region"`
	AccessKeyID     string `json:"access_key_id"`
	AccessKeySecret string `json:"access_key_secret"`
	Controls        string `json:"controls"`
	Token           string `json:"token"`
}

var server Facts

// TestMain runs one coatcheck for the tests of this package. It ends with this process.
func TestMain(m *testing.M) {
	program := os.Getenv("COATCHECK")
	if program == "" {
		program = "coatcheck"
	}
	command := exec.Command(program, "serve", "--ephemeral", "--test-controls")
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err == nil {
		err = json.NewDecoder(bufio.NewReader(out)).Decode(&server)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "coatcheck doesn't start:", err)
		os.Exit(1)
	}
	code := m.Run()
	command.Process.Kill()
	os.Exit(code)
}

// Ask has a control do something, and reads what it tells into `told`, which may be nil.
func Ask(t *testing.T, control string, document, told any) {
	t.Helper()
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest("POST", server.Controls+"/controls/"+control, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Coatcheck-Test-Token", server.Token)
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != 200 {
		var refused struct{ Error string }
		json.NewDecoder(reply.Body).Decode(&refused)
		t.Fatalf("%s: %s", control, refused.Error)
	}
	if told != nil {
		if err := json.NewDecoder(reply.Body).Decode(told); err != nil {
			t.Fatal(err)
		}
	}
}

// Client empties the server, makes a bucket, and returns a client.
func Client(t *testing.T, bucket string) *oss.Client {
	Ask(t, "reset", struct{}{}, nil)
	Ask(t, "bucket", map[string]any{"name": bucket}, nil)
	return oss.NewClient(oss.LoadDefaultConfig().
		WithCredentialsProvider(credentials.NewStaticCredentialsProvider(server.AccessKeyID, server.AccessKeySecret)).
		WithRegion(server.Region).
		WithEndpoint(server.Endpoint).
		WithUsePathStyle(true))
}
