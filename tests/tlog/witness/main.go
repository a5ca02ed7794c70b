// A witness (C2SP tlog-witness) of one log, which remembers in a file what it cosigned. Proofs are checked by the Go project's own sumdb/tlog, notes by its
// sumdb/note, and cosignatures are made by transparency-dev's formats.
//
// usage: witness ADDRESS NAME LOG_KEY STATE_FILE   (prints its key as a policy names it, then serves)
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	f_note "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type witness struct {
	log    note.Verifier
	signer note.Signer
	file   string
	mutex  sync.Mutex
}

// What was cosigned last: size and root in base64, then the secret key, a line each.
type state struct {
	tree tlog.Tree
	key  string
}

func main() {
	address, name, logKey, file := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	verifier, err := note.NewVerifier(logKey)
	if err != nil {
		log.Fatal(err)
	}
	current, err := read(file)
	if errors.Is(err, os.ErrNotExist) {
		secret, _, err := note.GenerateKey(rand.Reader, name)
		if err != nil {
			log.Fatal(err)
		}
		current = state{key: secret}
		if err := write(file, current); err != nil {
			log.Fatal(err)
		}
	} else if err != nil {
		log.Fatal(err)
	}
	signer, err := f_note.NewSignerForCosignatureV1(current.key)
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(publicKey(current.key))
	w := &witness{log: verifier, signer: signer, file: file}
	http.HandleFunc("POST /add-checkpoint", w.add)
	log.Fatal(http.Serve(listener, nil))
}

func publicKey(secret string) string {
	parts := strings.SplitN(secret, "+", 5)
	bytes, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil {
		log.Fatal(err)
	}
	public, err := note.NewEd25519VerifierKey(parts[2], ed25519.NewKeyFromSeed(bytes[1:]).Public().(ed25519.PublicKey))
	if err != nil {
		log.Fatal(err)
	}
	key, err := f_note.VKeyToCosignatureV1(public)
	if err != nil {
		log.Fatal(err)
	}
	return key
}

func (w *witness) add(response http.ResponseWriter, request *http.Request) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	body, err := io.ReadAll(request.Body)
	if err != nil {
		http.Error(response, "unreadable", http.StatusBadRequest)
		return
	}
	head, checkpoint, found := bytes.Cut(body, []byte("\n\n"))
	if !found {
		http.Error(response, "no checkpoint", http.StatusBadRequest)
		return
	}
	lines := strings.Split(string(head), "\n")
	old, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
	if err != nil {
		http.Error(response, "no old size", http.StatusBadRequest)
		return
	}
	opened, err := note.Open(checkpoint, note.VerifierList(w.log))
	if err != nil {
		http.Error(response, "not signed by the log", http.StatusForbidden)
		return
	}
	text := strings.Split(opened.Text, "\n")
	if text[0] != w.log.Name() {
		http.Error(response, "another log", http.StatusNotFound)
		return
	}
	size, err := strconv.ParseInt(text[1], 10, 64)
	if err != nil || old > size {
		http.Error(response, "no size", http.StatusBadRequest)
		return
	}
	root, err := tlog.ParseHash(text[2])
	if err != nil {
		http.Error(response, "no root", http.StatusBadRequest)
		return
	}
	current, err := read(w.file)
	if err != nil {
		http.Error(response, "no state", http.StatusInternalServerError)
		return
	}
	if current.tree.N != old || (old == size && size > 0 && current.tree.Hash != root) {
		response.Header().Set("Content-Type", "text/x.tlog.size")
		response.WriteHeader(http.StatusConflict)
		fmt.Fprintf(response, "%d\n", current.tree.N)
		return
	}
	if old > 0 && old < size {
		var proof tlog.TreeProof
		for _, line := range lines[1:] {
			hash, err := tlog.ParseHash(line)
			if err != nil {
				http.Error(response, "no proof", http.StatusBadRequest)
				return
			}
			proof = append(proof, hash)
		}
		if err := tlog.CheckTree(proof, size, root, old, current.tree.Hash); err != nil {
			http.Error(response, "inconsistent", http.StatusUnprocessableEntity)
			return
		}
	}
	if err := write(w.file, state{tree: tlog.Tree{N: size, Hash: root}, key: current.key}); err != nil {
		http.Error(response, "not kept", http.StatusInternalServerError)
		return
	}
	signed, err := note.Sign(&note.Note{Text: opened.Text}, w.signer)
	if err != nil {
		http.Error(response, "not signed", http.StatusInternalServerError)
		return
	}
	response.Write(bytes.TrimPrefix(signed, []byte(opened.Text+"\n")))
}

func read(file string) (state, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return state{}, err
	}
	lines := strings.Split(string(content), "\n")
	size, err := strconv.ParseInt(lines[0], 10, 64)
	if err != nil {
		return state{}, err
	}
	root, err := tlog.ParseHash(lines[1])
	return state{tree: tlog.Tree{N: size, Hash: root}, key: lines[2]}, err
}

func write(file string, s state) error {
	staged := file + ".staged"
	content := fmt.Sprintf("%d\n%s\n%s\n", s.tree.N, s.tree.Hash, s.key)
	if err := os.WriteFile(staged, []byte(content), 0o600); err != nil {
		return err
	}
	return os.Rename(staged, file)
}
