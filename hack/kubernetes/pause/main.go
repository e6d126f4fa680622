// Command pause is process 1 of every pod sandbox: it holds the pod's
// namespaces open and ends when it is told to.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	// A sandbox may share its process namespace: reap what other containers leave.
	orphans := make(chan os.Signal, 1)
	signal.Notify(orphans, syscall.SIGCHLD)
	for {
		select {
		case <-ended:
			return
		case <-orphans:
			for pid, err := reap(); pid > 0 && err == nil; pid, err = reap() {
			}
		}
	}
}

func reap() (int, error) {
	return syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
}
