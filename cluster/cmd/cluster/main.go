// Command cluster makes this machine a real Kubernetes of one node, without Docker, and takes all of it away again.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rsparkhub/cluster/internal/addons"
	"rsparkhub/cluster/internal/controlplane"
	"rsparkhub/cluster/internal/node"
	"rsparkhub/cluster/internal/place"
	"rsparkhub/cluster/internal/process"
)

const startDeadline = 60 * time.Second

func main() {
	if err := do(); err != nil {
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		os.Exit(1)
	}
}

func do() error {
	if len(os.Args) != 3 {
		return errors.New("usage: cluster up|down|keep FOLDER")
	}
	root, err := filepath.Abs(os.Args[2])
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("a node needs root: run it as root")
	}
	p := place.Place{Root: root}
	switch os.Args[1] {
	case "up":
		return up(p)
	case "down":
		return down(p)
	case "keep":
		return keep(p)
	}
	return fmt.Errorf("there is no command %s; there are up and down", os.Args[1])
}

// up starts a keeper in the background, and waits until it says that the cluster is ready.
func up(p place.Place) error {
	if pid := keeper(p); pid != 0 {
		fmt.Printf("A cluster runs already (process %d).\n  export KUBECONFIG=%s\n", pid, p.Kubeconfig())
		return nil
	}
	began := time.Now()
	if err := clear(p); err != nil { // what a cluster that was killed left behind
		return err
	}
	if probe, err := net.Listen("tcp", "127.0.0.1:"+place.APIPort); err != nil {
		return fmt.Errorf("port %s is in use: end the program that uses it, perhaps another cluster", place.APIPort)
	} else {
		probe.Close()
	}
	if err := p.Make(); err != nil {
		return err
	}
	log, err := os.OpenFile(p.Log("cluster"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	command := exec.Command(self, "keep", p.Root)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for {
		select {
		case <-ended:
			said, _ := os.ReadFile(p.Log("cluster"))
			return fmt.Errorf("it did not start: %s", strings.TrimSpace(string(said)))
		case <-time.After(50 * time.Millisecond):
		}
		if _, err := os.Stat(p.State("ready")); err == nil {
			fmt.Printf("Kubernetes %s runs (%.1f s).\n  export KUBECONFIG=%s\n", place.Version, time.Since(began).Seconds(), p.Kubeconfig())
			return nil
		}
	}
}

// keep runs the cluster until it is told to end.
func keep(p place.Place) error {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if err := writeMark(p); err != nil {
		return err
	}
	if err := controlplane.Prepare(p); err != nil {
		return err
	}
	if err := node.Prepare(p); err != nil {
		return err
	}
	programs := &process.Keeper{}
	defer programs.End()
	starting, started := context.WithTimeout(stop, startDeadline)
	defer started()
	if err := node.Network(); err != nil {
		return err
	}
	if err := controlplane.Start(starting, p, programs); err != nil {
		return err
	}
	if err := node.Start(starting, p, programs); err != nil {
		return err
	}
	if err := addons.Start(starting, p, programs); err != nil {
		return err
	}
	if err := os.WriteFile(p.State("ready"), nil, 0o600); err != nil {
		return err
	}
	<-stop.Done()
	return nil
}

// down ends the cluster and takes away all of it but its log files and programs.
func down(p place.Place) error {
	if pid := keeper(p); pid != 0 {
		if err := endPods(p); err != nil {
			fmt.Printf("Pods could not be ended in order, so they are ended by force: %v\n", err)
		}
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			return err
		}
		for keeper(p) != 0 { // it gives each program 15 s
			time.Sleep(50 * time.Millisecond)
		}
	}
	if err := clear(p); err != nil {
		return err
	}
	fmt.Println("The cluster is gone.")
	return nil
}

// endPods deletes all pods while there is somebody to end them.
func endPods(p place.Place) error {
	said, err := exec.Command(p.Bin("kubectl"), "--kubeconfig", p.Kubeconfig(), "delete", "pods", "--all", "--all-namespaces",
		"--grace-period=1", "--timeout=20s").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(said)))
	}
	return nil
}

func clear(p place.Place) error {
	if _, err := os.Stat(p.State("")); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := node.CleanUp(p); err != nil {
		return err
	}
	if err := os.Remove(p.Kubeconfig()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.RemoveAll(p.State(""))
}

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
