// A consumer that uses the public module, as its guide describes it.
package main

import (
	"context"
	"os"

	"github.com/handcoding-labs/redis-stream-client-go/impl"
	"github.com/handcoding-labs/redis-stream-client-go/notifs"
	"github.com/redis/go-redis/v9"
)

func main() {
	ctx := context.Background()
	service := os.Getenv("SERVICE")
	data := redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDR")})
	client, err := impl.NewRedisStreamClient(data, service)
	if err != nil {
		panic(err)
	}
	notifications, err := client.Init(ctx)
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
	for notification := range notifications {
		stream := notification.Payload.DataStreamName
		switch notification.Type {
		case notifs.StreamAdded:
			begin(stream)
		case notifs.StreamExpired:
			if err := client.Claim(ctx, notification.Payload); err == nil {
				begin(stream)
			}
		case notifs.StreamDisowned:
			say(line{Event: "lost", Stream: stream})
			if stop := stops[stream]; stop != nil {
				stop()
			}
		}
	}
}
