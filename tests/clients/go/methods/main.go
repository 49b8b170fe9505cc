// Every method of OSS's Go SDK V2, one call a line: methods ENDPOINT. Prints the names of the client's methods as a JSON
// list; then reads {"method": NAME, "arguments": [...]} a line, and prints {"answer": "works" or the code of the refusal,
// "result": {...}} for each. Requests are filled from JSON by the names of their fields; a body is base64.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"
)

type call struct {
	Method    string
	Arguments []json.RawMessage
}

// What the client makes to work with, and the method of it that is called.
var tools = map[string]string{"NewUploader": "UploadFile", "NewDownloader": "DownloadFile", "NewCopier": "Copy"}

var (
	failure   = reflect.TypeOf((*error)(nil)).Elem()
	reader    = reflect.TypeOf((*io.Reader)(nil)).Elem()
	contextIs = reflect.TypeOf((*context.Context)(nil)).Elem()
	instant   = reflect.TypeOf(time.Time{})
)

func main() {
	client := reflect.ValueOf(oss.NewClient(oss.LoadDefaultConfig().
		WithCredentialsProvider(credentials.NewEnvironmentVariableCredentialsProvider()).
		WithRegion("cn-hangzhou").
		WithEndpoint(os.Args[1]).
		WithRetryMaxAttempts(1)))
	out := json.NewEncoder(os.Stdout)
	check(out.Encode(names(client.Type())))
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<22)
	for lines.Scan() {
		var asked call
		check(json.Unmarshal(lines.Bytes(), &asked))
		result, err := run(client, asked)
		check(out.Encode(map[string]any{"answer": answer(err), "result": plain(reflect.ValueOf(result))}))
	}
	check(lines.Err())
}

func names(class reflect.Type) []string {
	var found []string
	for at := 0; at < class.NumMethod(); at++ {
		found = append(found, class.Method(at).Name)
	}
	return found
}

func answer(err error) string {
	var refusal *oss.ServiceError
	switch {
	case err == nil:
		return "works"
	case errors.As(err, &refusal):
		return refusal.Code
	default:
		return err.Error()
	}
}

// run makes the call. What a New... method makes is used at once; a file that was opened is read, or written to.
func run(client reflect.Value, asked call) (any, error) {
	method := client.MethodByName(asked.Method)
	if !method.IsValid() {
		return nil, fmt.Errorf("no method %s", asked.Method)
	}
	if use, found := tools[asked.Method]; found {
		method = method.Call(nil)[0].MethodByName(use)
	}
	result, err := invoke(method, asked.Arguments)
	if err != nil {
		return nil, err
	}
	switch made := result.(type) {
	case io.ReadCloser:
		return read(made)
	case io.WriteCloser:
		return nil, write(made)
	}
	if strings.HasSuffix(asked.Method, "Paginator") {
		return nil, allPages(reflect.ValueOf(result))
	}
	return result, nil
}

func read(from io.ReadCloser) (any, error) {
	defer from.Close()
	body, err := io.ReadAll(from)
	return map[string]string{"Body": string(body)}, err
}

func write(to io.WriteCloser) error {
	if _, err := io.WriteString(to, "more"); err != nil {
		return err
	}
	return to.Close()
}

func allPages(pages reflect.Value) error {
	for pages.MethodByName("HasNext").Call(nil)[0].Bool() {
		if _, err := invoke(pages.MethodByName("NextPage"), nil); err != nil {
			return err
		}
	}
	return nil
}

// invoke calls a method with words that are read as its parameters are; what is optional is left out.
func invoke(method reflect.Value, words []json.RawMessage) (any, error) {
	class, given := method.Type(), []reflect.Value{}
	for at := 0; at < class.NumIn(); at++ {
		if class.IsVariadic() && at == class.NumIn()-1 {
			break
		}
		if class.In(at) == contextIs {
			given = append(given, reflect.ValueOf(context.Background()))
			continue
		}
		value, err := parameter(class.In(at), words[0])
		if err != nil {
			return nil, err
		}
		given, words = append(given, value), words[1:]
	}
	returned := method.Call(given)
	last := returned[len(returned)-1]
	if last.Type() == failure {
		err, _ := last.Interface().(error)
		return returned[0].Interface(), err
	}
	return returned[0].Interface(), nil
}

func parameter(class reflect.Type, word json.RawMessage) (reflect.Value, error) {
	value := reflect.New(class).Elem()
	var given any
	if err := json.Unmarshal(word, &given); err != nil {
		return value, err
	}
	return value, fill(value, given)
}

// fill reads a value of any type; a field that a struct doesn't have is an error.
func fill(value reflect.Value, given any) error {
	switch {
	case value.Type() == reader:
		content, err := base64.StdEncoding.DecodeString(given.(string))
		value.Set(reflect.ValueOf(bytes.NewReader(content)))
		return err
	case value.Kind() == reflect.Interface:
		made := reflect.New(anything(given))
		value.Set(made)
		return fill(made.Elem(), given)
	case value.Kind() == reflect.Pointer:
		value.Set(reflect.New(value.Type().Elem()))
		return fill(value.Elem(), given)
	case value.Kind() == reflect.Struct && value.Type() != instant:
		return fillFields(value, given.(map[string]any))
	case value.Kind() == reflect.Slice:
		for _, item := range given.([]any) {
			value.Set(reflect.Append(value, reflect.Zero(value.Type().Elem())))
			if err := fill(value.Index(value.Len()-1), item); err != nil {
				return err
			}
		}
		return nil
	default:
		word, err := json.Marshal(given)
		if err != nil {
			return err
		}
		return json.Unmarshal(word, value.Addr().Interface())
	}
}

func fillFields(value reflect.Value, given map[string]any) error {
	for name, each := range given {
		field := value.FieldByNameFunc(func(known string) bool { return strings.EqualFold(known, name) })
		if !field.IsValid() {
			return fmt.Errorf("%s has no field %s", value.Type(), name)
		}
		if err := fill(field, each); err != nil {
			return err
		}
	}
	return nil
}

// anything is what stands where any type may: the request of a link, or what is asked of a table's file.
func anything(given any) reflect.Type {
	if _, found := given.(map[string]any)["key"]; found {
		return reflect.TypeOf(oss.GetObjectRequest{})
	}
	return reflect.TypeOf(oss.CsvMetaRequest{})
}

// plain is a result as JSON can say it.
func plain(value reflect.Value) any {
	switch value.Kind() {
	case reflect.Invalid, reflect.Func, reflect.Chan:
		return nil
	case reflect.Pointer, reflect.Interface:
		return plain(value.Elem())
	case reflect.Struct:
		fields := map[string]any{}
		for _, field := range reflect.VisibleFields(value.Type()) {
			if field.IsExported() && !field.Anonymous && field.Name != "OpMetadata" {
				fields[field.Name] = plain(value.FieldByIndex(field.Index))
			}
		}
		return fields
	case reflect.Slice:
		items := []any{}
		for at := 0; at < value.Len(); at++ {
			items = append(items, plain(value.Index(at)))
		}
		return items
	default:
		return value.Interface()
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
