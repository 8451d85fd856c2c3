package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"rsparkhub/cluster/internal/place"
)

// writeMark says which process keeps the cluster: its id, and when it started, since ids are given again.
func writeMark(p place.Place) error {
	started, err := startOf(os.Getpid())
	if err != nil {
		return err
	}
	return os.WriteFile(p.State("keeper"), []byte(fmt.Sprintf("%d %s", os.Getpid(), started)), 0o600)
}

// keeper is the process that keeps the cluster; 0 when none does.
func keeper(p place.Place) int {
	text, err := os.ReadFile(p.State("keeper"))
	if err != nil {
		return 0
	}
	words := strings.Fields(string(text))
	if len(words) != 2 {
		return 0
	}
	pid, err := strconv.Atoi(words[0])
	if err != nil {
		return 0
	}
	if started, err := startOf(pid); err != nil || started != words[1] {
		return 0
	}
	return pid
}

// startOf is when a process started, in ticks since the boot; see proc(5), field 22 of stat.
func startOf(pid int) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if fields[0] == "Z" {
		return "", os.ErrProcessDone
	}
	return fields[19], nil
}
