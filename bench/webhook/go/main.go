// A minimal webhook that holds a Deployment as Kanari does: what the same work costs in Go, with the standard library
// alone. It knows one namespace and one rule (a changed template is held), and none of the rest of Kanari.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"
)

type object = map[string]any

type review struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Request    *request  `json:"request,omitempty"`
	Response   *response `json:"response,omitempty"`
}

type request struct {
	UID       string `json:"uid"`
	Operation string `json:"operation"`
	Object    object `json:"object"`
	OldObject object `json:"oldObject"`
}

type response struct {
	UID       string   `json:"uid"`
	Allowed   bool     `json:"allowed"`
	Warnings  []string `json:"warnings,omitempty"`
	PatchType string   `json:"patchType,omitempty"`
	Patch     []byte   `json:"patch,omitempty"`
}

type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

const bodyLimit = 7 << 20

// What Kanari writes into the templates of a namespace with Istio's proxies.
var injectedLabels = []pair{
	{"kanari.dev/version", "primary"},
	{"version", "primary"},
	{"sidecar.istio.io/inject", "true"},
}
var injectedAnnotations = []pair{{"proxy.istio.io/config", `{"holdApplicationUntilProxyStarts": true}`}}

type pair struct{ key, value string }

func child(parent object, key string) object {
	value, _ := parent[key].(object)
	return value
}

// The map without what Kanari injects; nil when nothing is left.
func without(values object, injected []pair, also ...string) object {
	kept := object{}
	for key, value := range values {
		kept[key] = value
	}
	for _, one := range injected {
		if kept[one.key] == one.value {
			delete(kept, one.key)
		}
	}
	for _, key := range also {
		delete(kept, key)
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}

// The template as its user wrote it: what two templates are compared by, and what names a revision.
func users(template object) object {
	metadata := object{}
	for key, value := range child(template, "metadata") {
		if key != "creationTimestamp" && key != "labels" && key != "annotations" && value != nil {
			metadata[key] = value
		}
	}
	if labels := without(child(child(template, "metadata"), "labels"), injectedLabels, "pod-template-hash"); labels != nil {
		metadata["labels"] = labels
	}
	if annotations := without(child(child(template, "metadata"), "annotations"), injectedAnnotations); annotations != nil {
		metadata["annotations"] = annotations
	}
	result := object{}
	for key, value := range template {
		result[key] = value
	}
	delete(result, "metadata")
	if len(metadata) > 0 {
		result["metadata"] = metadata
	}
	return withoutNulls(result).(object)
}

func withoutNulls(value any) any {
	switch typed := value.(type) {
	case object:
		kept := make(object, len(typed))
		for key, member := range typed {
			if member != nil {
				kept[key] = withoutNulls(member)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(typed))
		for index, member := range typed {
			kept[index] = withoutNulls(member)
		}
		return kept
	default:
		return value
	}
}

func revisionOf(template object) (string, error) {
	var canonical bytes.Buffer
	encoder := json.NewEncoder(&canonical)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(template); err != nil {
		return "", err
	}
	sum := sha256.Sum256(bytes.TrimRight(canonical.Bytes(), "\n"))
	return "1-" + hex.EncodeToString(sum[:])[:10], nil
}

func pointer(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

// Adds each pair that the map at the path lacks; the whole map where there is none.
func added(path string, present object, pairs []pair) []operation {
	if present == nil {
		whole := object{}
		for _, one := range pairs {
			whole[one.key] = one.value
		}
		return []operation{{"add", path, whole}}
	}
	var operations []operation
	for _, one := range pairs {
		if _, there := present[one.key]; !there {
			operations = append(operations, operation{"add", path + "/" + pointer(one.key), one.value})
		}
	}
	return operations
}

func patchFor(req *request) ([]operation, error) {
	before := child(child(req.OldObject, "spec"), "template")
	after := child(child(req.Object, "spec"), "template")
	if before == nil || after == nil {
		return nil, errors.New("no pod template")
	}
	stored, wanted := users(before), users(after)
	if reflect.DeepEqual(stored, wanted) {
		return nil, nil
	}
	primary, err := revisionOf(stored)
	if err != nil {
		return nil, err
	}
	run, err := revisionOf(wanted)
	if err != nil {
		return nil, err
	}
	template := child(after, "metadata")
	operations := added("/spec/template/metadata/labels", child(template, "labels"), injectedLabels)
	operations = append(operations, added("/spec/template/metadata/annotations", child(template, "annotations"), injectedAnnotations)...)
	marks := []pair{{"kanari.dev/run", run}, {"kanari.dev/primary", primary}, {"kanari.dev/weight", "0"}, {"kanari.dev/held-by", "webhook"}}
	operations = append(operations, operation{"add", "/spec/paused", true})
	return append(operations, added("/metadata/annotations", child(child(req.Object, "metadata"), "annotations"), marks)...), nil
}

func answer(body []byte) ([]byte, error) {
	var asked review
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, err
	}
	if asked.Kind != "AdmissionReview" || asked.Request == nil || asked.Request.UID == "" {
		return nil, errors.New("no AdmissionReview")
	}
	operations, err := patchFor(asked.Request)
	if err != nil {
		return nil, err
	}
	given := &response{UID: asked.Request.UID, Allowed: true}
	if len(operations) > 0 {
		if given.Patch, err = json.Marshal(operations); err != nil {
			return nil, err
		}
		given.PatchType = "JSONPatch"
		given.Warnings = []string{fmt.Sprintf("%v is held", child(asked.Request.Object, "metadata")["name"])}
	}
	return json.Marshal(review{APIVersion: asked.APIVersion, Kind: asked.Kind, Response: given})
}

func mutate(writer http.ResponseWriter, incoming *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(writer, incoming.Body, bodyLimit))
	if err != nil {
		http.Error(writer, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	given, err := answer(body)
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	writer.Header().Set("content-type", "application/json")
	writer.Header().Set("content-length", strconv.Itoa(len(given)))
	if _, err := writer.Write(given); err != nil {
		log.Print(err)
	}
}

// Arguments: certificate and key, PEM files. Prints the port it listens on.
func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	http.HandleFunc("POST /mutate", mutate)
	log.Fatal(http.ServeTLS(listener, nil, os.Args[1], os.Args[2]))
}
