// Package process keeps the programs of a cluster running: one that dies is started again, and all end with their keeper.
package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	firstPause   = 200 * time.Millisecond
	longestPause = 10 * time.Second
	shortLife    = 10 * time.Second // who dies sooner waits longer before the next try
	endPatience  = 15 * time.Second
)

// Program is something to keep running.
type Program struct {
	Name    string
	Command []string
	Log     string
	Environ []string // beyond this process's own
}

// Keeper keeps programs, and ends them in the reverse of the order in which they were started.
type Keeper struct {
	mutex sync.Mutex
	kept  []*kept
}

type kept struct {
	stop context.CancelFunc
	done chan struct{}
}

// Keep starts a program and keeps it running until End.
func (k *Keeper) Keep(program Program) error {
	first, err := start(program)
	if err != nil {
		return fmt.Errorf("%s could not be started: %w", program.Name, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	one := &kept{stop, make(chan struct{})}
	k.mutex.Lock()
	k.kept = append(k.kept, one)
	k.mutex.Unlock()
	go func() {
		defer close(one.done)
		run(ctx, program, first)
	}()
	return nil
}

// End ends every program, each when the one started after it has ended.
func (k *Keeper) End() {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for i := len(k.kept) - 1; i >= 0; i-- {
		k.kept[i].stop()
		<-k.kept[i].done
	}
	k.kept = nil
}

func run(ctx context.Context, program Program, command *exec.Cmd) {
	pause := firstPause
	for {
		began := time.Now()
		ended := make(chan error, 1)
		if command != nil {
			go func() { ended <- command.Wait() }()
			select {
			case <-ctx.Done():
				end(command, ended)
				return
			case err := <-ended:
				fmt.Printf("%s ended (%v) and is started again.\n", program.Name, err)
			}
		}
		if time.Since(began) > shortLife {
			pause = firstPause
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
		var err error
		if command, err = start(program); err != nil {
			fmt.Printf("%s could not be started again: %v\n", program.Name, err)
		}
	}
}

func start(program Program) (*exec.Cmd, error) {
	log, err := os.OpenFile(program.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command := exec.Command(program.Command[0], program.Command[1:]...)
	command.Stdout, command.Stderr = log, log
	command.Env = append(os.Environ(), program.Environ...)
	// A group of its own, so that Ctrl+C on a terminal reaches the keeper alone; and it never outlives the keeper.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return command, command.Start()
}

func end(command *exec.Cmd, ended <-chan error) {
	_ = command.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(endPatience):
		_ = command.Process.Kill()
		<-ended
	}
}
