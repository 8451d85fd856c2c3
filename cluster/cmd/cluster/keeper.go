package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"rsparkhub/cluster/internal/addons"
	"rsparkhub/cluster/internal/controlplane"
	"rsparkhub/cluster/internal/node"
	"rsparkhub/cluster/internal/pki"
	"rsparkhub/cluster/internal/place"
	"rsparkhub/cluster/internal/process"
	"rsparkhub/cluster/internal/simulated"
)

// What a keeper may be asked for while it keeps.
const (
	askNode       = "one more real node"
	askSimulation = "KWOK"
)

// cluster is what a keeper keeps.
type cluster struct {
	place      place.Place
	authority  *pki.Authority
	programs   process.Keeper
	nodes      int
	simulating bool
}

// keep runs the cluster until it is told to end.
func keep(p place.Place) error {
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	if err := writeMark(p); err != nil {
		return err
	}
	authority, err := pki.NewAuthority()
	if err != nil {
		return err
	}
	c := &cluster{place: p, authority: authority}
	defer c.programs.End()
	if err := c.start(stop); err != nil {
		return err
	}
	door, err := net.Listen("unix", p.Door())
	if err != nil {
		return err
	}
	defer door.Close()
	if err := os.WriteFile(p.State("ready"), nil, 0o600); err != nil {
		return err
	}
	go c.answer(stop, door)
	<-stop.Done()
	return nil
}

func (c *cluster) start(stop context.Context) error {
	ctx, cancel := context.WithTimeout(stop, startDeadline)
	defer cancel()
	if err := controlplane.Prepare(c.place, c.authority); err != nil {
		return err
	}
	if err := node.PrepareMachine(c.place); err != nil {
		return err
	}
	if err := controlplane.Start(ctx, c.place, &c.programs); err != nil {
		return err
	}
	if err := c.addNode(ctx); err != nil {
		return err
	}
	if err := node.StartProxy(c.place, &c.programs); err != nil {
		return err
	}
	return addons.Start(ctx, c.place, &c.programs)
}

func (c *cluster) addNode(ctx context.Context) error {
	one := c.place.Nodes()[c.nodes]
	if err := node.Prepare(one, c.authority); err != nil {
		return err
	}
	if err := node.Start(ctx, one, &c.programs); err != nil {
		return err
	}
	c.nodes++
	return nil
}

// answer does what it is asked for, one after another, and says what went wrong, if anything.
func (c *cluster) answer(stop context.Context, door net.Listener) {
	for stop.Err() == nil {
		caller, err := door.Accept()
		if err != nil {
			return // it ends
		}
		text := make([]byte, 64)
		count, _ := caller.Read(text)
		if err := c.do(stop, string(text[:count])); err != nil {
			fmt.Fprintf(caller, "%v", err) // who hung up doesn't hear it
		}
		caller.Close()
	}
}

func (c *cluster) do(stop context.Context, asked string) error {
	ctx, cancel := context.WithTimeout(stop, startDeadline)
	defer cancel()
	switch {
	case asked == askNode && c.nodes < place.MostNodes:
		return c.addNode(ctx)
	case asked == askSimulation && c.simulating:
		return nil
	case asked == askSimulation:
		c.simulating = true
		return simulated.Keep(c.place, &c.programs)
	}
	return fmt.Errorf("%q can't be had", asked)
}

// ask asks the keeper for something, and waits until it is there.
func ask(p place.Place, what string) error {
	door, err := net.Dial("unix", p.Door())
	if err != nil {
		return err
	}
	defer door.Close()
	if err := door.SetDeadline(time.Now().Add(startDeadline + 10*time.Second)); err != nil {
		return err
	}
	if _, err := fmt.Fprint(door, what); err != nil {
		return err
	}
	var said strings.Builder
	text := make([]byte, 4096)
	for {
		count, err := door.Read(text)
		said.Write(text[:count])
		if err != nil {
			break // it has hung up: that was all
		}
	}
	if said.Len() > 0 {
		return errors.New(said.String())
	}
	return nil
}
