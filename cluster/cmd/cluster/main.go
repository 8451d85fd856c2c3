// Command cluster makes this machine a real Kubernetes, without Docker, and takes all of it away again.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rsparkhub/cluster/internal/node"
	"rsparkhub/cluster/internal/place"
	"rsparkhub/cluster/internal/simulated"
)

const startDeadline = 60 * time.Second

func main() {
	if err := do(); err != nil {
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		os.Exit(1)
	}
}

const usage = "usage: cluster up FOLDER [NODES] | scale FOLDER NODES | down FOLDER"

func do() error {
	if len(os.Args) < 3 {
		return errors.New(usage)
	}
	root, err := filepath.Abs(os.Args[2])
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("a node needs root: run it as root")
	}
	p, command, rest := place.Place{Root: root}, os.Args[1], os.Args[3:]
	switch {
	case command == "up" && len(rest) <= 1:
		nodes, err := number(append(rest, "1")[0], 1, place.MostNodes)
		if err != nil {
			return err
		}
		return up(p, nodes)
	case command == "scale" && len(rest) == 1:
		nodes, err := number(rest[0], 0, 5000)
		if err != nil {
			return err
		}
		return scale(p, nodes)
	case command == "down" && len(rest) == 0:
		return down(p)
	case command == "keep" && len(rest) == 0:
		return keep(p)
	}
	return errors.New(usage)
}

func number(text string, least, most int) (int, error) {
	found, err := strconv.Atoi(text)
	if err != nil || found < least || found > most {
		return 0, fmt.Errorf("NODES=%s is no number of nodes: give one from %d to %d", text, least, most)
	}
	return found, nil
}

// up starts a keeper in the background, and waits until it says that the cluster is ready, with so many real nodes.
func up(p place.Place, nodes int) error {
	if pid := keeper(p); pid != 0 {
		fmt.Printf("A cluster runs already (process %d).\n  export KUBECONFIG=%s\n", pid, p.Kubeconfig())
		return addNodes(p, nodes)
	}
	began := time.Now()
	if other, runs := another(p); runs {
		return fmt.Errorf("this machine has a cluster already, in %s: `make cluster-down` in that checkout ends it", other.Root)
	}
	if err := clear(p); err != nil { // what a cluster that was killed left behind
		return err
	}
	if probe, err := net.Listen("tcp", "127.0.0.1:"+place.APIPort); err != nil {
		return fmt.Errorf("port %s is in use: end the program that uses it", place.APIPort)
	} else {
		probe.Close()
	}
	if err := p.Make(); err != nil {
		return err
	}
	if err := p.Own(); err != nil {
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
			return addNodes(p, nodes)
		}
	}
}

// addNodes asks for real nodes until there are so many.
func addNodes(p place.Place, wanted int) error {
	for _, one := range p.Nodes()[1:max(1, wanted)] {
		began := time.Now()
		if _, err := os.Stat(one.File("")); err == nil {
			continue
		}
		if err := ask(p, askNode); err != nil {
			return err
		}
		fmt.Printf("%s has joined (%.1f s).\n", one.Name(), time.Since(began).Seconds())
	}
	return nil
}

// scale gives the cluster so many simulated nodes.
func scale(p place.Place, nodes int) error {
	if keeper(p) == 0 {
		return errors.New("no cluster runs here: `make cluster` starts one")
	}
	began := time.Now()
	if nodes > 0 {
		if err := ask(p, askSimulation); err != nil {
			return err
		}
	}
	if err := simulated.Scale(p, nodes); err != nil {
		return err
	}
	fmt.Printf("%d simulated nodes (%.1f s).\n", nodes, time.Since(began).Seconds())
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

// another is the place whose cluster this machine has or had, if it isn't p, and whether it runs.
func another(p place.Place) (other place.Place, runs bool) {
	owner := p.Owner()
	return owner, owner != p && keeper(owner) != 0
}

// clear takes away what is left of p's cluster, and of the machine's last one unless that runs: then it is no business of p's.
func clear(p place.Place) error {
	owner, runs := another(p)
	if runs {
		return forget(p)
	}
	if exists(p.State("")) || exists(place.Run) {
		if err := node.CleanUp(p, owner); err != nil {
			return err
		}
	}
	return errors.Join(forget(p), forget(owner))
}

// forget takes away the files of a cluster that is gone, but for its programs and logs.
func forget(p place.Place) error {
	if err := os.Remove(p.Kubeconfig()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.RemoveAll(p.State(""))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
