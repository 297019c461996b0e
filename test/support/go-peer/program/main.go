// A consumer of a service, whichever client it is made with: newClient comes from the folder beside.
package main

import (
	"context"
	"os"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

type place struct{ stream, id string }

// notice is what a client tells of a stream: added, expired, disowned or terminated.
type notice struct {
	kind string
	place
	reason string
}

type client interface {
	ID() string
	Init(ctx context.Context) (<-chan notice, error)
	// Claim answers whether the stream is owned from then on. Else it is announced anew.
	Claim(ctx context.Context, lost place) (bool, error)
	DoneStream(ctx context.Context, stream string) error
}

func main() {
	ctx := context.Background()
	service := os.Getenv("SERVICE")
	data := redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDR")})
	client, err := newClient(data, service)
	if err != nil {
		panic(err)
	}
	notices, err := client.Init(ctx)
	if err != nil {
		panic(err)
	}
	say(line{Event: "ready"})
	stops := map[string]context.CancelFunc{}
	begin := func(stream string) {
		working, stop := context.WithCancel(ctx)
		stops[stream] = stop
		say(line{Event: "owned", Stream: stream})
		go work(working, data, service+"-group", client.ID(), stream, func() {
			if err := client.DoneStream(ctx, stream); err != nil {
				say(line{Event: "error", Stream: stream, Error: err.Error()})
				return
			}
			say(line{Event: "done", Stream: stream})
		})
	}
	for notice := range notices {
		switch notice.kind {
		case "added":
			begin(notice.stream)
		case "expired":
			// Where it fails another one was faster, which is usual.
			if owned, err := client.Claim(ctx, notice.place); err == nil && owned {
				begin(notice.stream)
			}
		case "disowned":
			say(line{Event: "lost", Stream: notice.stream})
			if stop := stops[notice.stream]; stop != nil {
				stop()
			}
		case "terminated":
			say(line{Event: "terminated", Error: notice.reason})
		}
	}
}

// duration is a number of ms from the environment.
func duration(name string, usual time.Duration) time.Duration {
	if ms, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return time.Duration(ms) * time.Millisecond
	}
	return usual
}
