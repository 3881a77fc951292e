package runtimes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/containerd/containerd/api/services/containers/v1"
	"github.com/containerd/containerd/api/services/namespaces/v1"
	docker "github.com/moby/moby/client"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// engine speaks the Docker Engine API, which Podman speaks as well.
type engine struct{ c *docker.Client }

func dialEngine(s Socket) (client, error) {
	c, err := docker.New(docker.WithHost("unix://" + s.Path))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", s.Runtime, err)
	}
	return engine{c}, nil
}

// containers implements client with one list, however many are wanted.
func (e engine) containers(ctx context.Context, _ []string) ([]Container, error) {
	list, err := e.c.ContainerList(ctx, docker.ContainerListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	out := make([]Container, 0, len(list.Items))
	for _, s := range list.Items {
		out = append(out, Container{ID: s.ID, Name: engineName(s.Names), Image: s.Image, Labels: s.Labels})
	}
	return out, nil
}

// engineName picks the container's own name: with links it is also known as
// /other/alias.
func engineName(names []string) string {
	for _, n := range names {
		if n = strings.TrimPrefix(n, "/"); n != "" && !strings.Contains(n, "/") {
			return n
		}
	}
	return ""
}

func (e engine) close() error { return e.c.Close() }

// containerd speaks containerd's own API.
type containerd struct {
	conn *grpc.ClientConn
	ns   namespaces.NamespacesClient
	list containers.ContainersClient
}

// maxAnswer bounds one answer of a runtime, in bytes; a container's record
// holds its whole OCI specification.
const maxAnswer = 16 << 20

func dialContainerd(s Socket) (client, error) {
	conn, err := grpc.NewClient("unix://"+s.Path, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)))
	if err != nil {
		return nil, fmt.Errorf("connect to containerd: %w", err)
	}
	return containerd{conn, namespaces.NewNamespacesClient(conn), containers.NewContainersClient(conn)}, nil
}

// mobyNamespace is where Docker keeps its containers in containerd; Docker
// knows their names, containerd does not.
const mobyNamespace = "moby"

// containers implements client. containerd lists with the whole specification
// of each container, so the wanted ones are asked for one by one.
func (c containerd) containers(ctx context.Context, wanted []string) ([]Container, error) {
	list, err := c.ns.List(ctx, &namespaces.ListNamespacesRequest{})
	if err != nil {
		return nil, fmt.Errorf("list namespaces: %w", err)
	}
	var out []Container
	left := slices.Clone(wanted)
	for _, ns := range list.Namespaces {
		if ns.Name == mobyNamespace {
			continue
		}
		in := metadata.AppendToOutgoingContext(ctx, "containerd-namespace", ns.Name)
		var unknown []string
		for _, id := range left {
			r, err := c.list.Get(in, &containers.GetContainerRequest{ID: id})
			if status.Code(err) == codes.NotFound {
				unknown = append(unknown, id)
				continue
			}
			if err != nil {
				return out, fmt.Errorf("get container %s in namespace %s: %w", id, ns.Name, err)
			}
			l := r.Container.Labels
			// nerdctl is the one client that gives names; the kubelet's containers go by their ids.
			out = append(out, Container{ID: id, Name: l["nerdctl/name"], Image: r.Container.Image, Labels: l})
		}
		left = unknown
	}
	return out, nil
}

func (c containerd) close() error { return c.conn.Close() }

// crio speaks the HTTP interface that CRI-O keeps beside its gRPC one for
// exactly this question.
type crio struct{ http *http.Client }

func dialCRIO(s Socket) (client, error) {
	return crio{&http.Client{Transport: &http.Transport{
		DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", s.Path)
		},
	}}}, nil
}

// containers implements client.
func (c crio) containers(ctx context.Context, wanted []string) ([]Container, error) {
	var out []Container
	for _, id := range wanted {
		one, err := c.container(ctx, id)
		if errors.Is(err, errUnknown) {
			continue
		}
		if err != nil {
			return out, err
		}
		out = append(out, one)
	}
	return out, nil
}

var errUnknown = errors.New("the runtime does not know this container")

func (c crio) container(ctx context.Context, id string) (Container, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://crio/containers/"+url.PathEscape(id), nil)
	if err != nil {
		return Container{}, fmt.Errorf("get container %s: %w", id, err)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return Container{}, fmt.Errorf("get container %s: %w", id, err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return Container{}, errUnknown
	default:
		return Container{}, fmt.Errorf("get container %s: CRI-O answered %s", id, resp.Status)
	}
	var v struct {
		Name, Image string
		Labels      map[string]string
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&v); err != nil {
		return Container{}, fmt.Errorf("read container %s of CRI-O: %w", id, err)
	}
	return Container{ID: id, Name: v.Name, Image: v.Image, Labels: v.Labels}, nil
}

func (c crio) close() error {
	c.http.CloseIdleConnections()
	return nil
}
