package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/handcoding-labs/redis-stream-client-go/impl"
	"github.com/handcoding-labs/redis-stream-client-go/notifs"
	"github.com/redis/go-redis/v9"
)

const service = "sessions"

func main() {
	ctx := context.Background()
	data := redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDR")})
	// The name of this consumer comes from the variable POD_NAME.
	client, err := impl.NewRedisStreamClient(data, service, impl.WithForceConfigOverride())
	if err != nil {
		log.Fatal(err)
	}
	notifications, err := client.Init(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")

	stops := map[string]context.CancelFunc{}
	begin := func(stream string) {
		working, stop := context.WithCancel(ctx)
		stops[stream] = stop
		go func() {
			if !work(working, data, client.ID(), stream) {
				return
			}
			if err := client.DoneStream(ctx, stream); err != nil {
				log.Print(err)
			}
		}()
	}
	for notification := range notifications {
		stream := notification.Payload.DataStreamName
		switch notification.Type {
		case notifs.StreamAdded:
			begin(stream)
		case notifs.StreamExpired:
			// Fails if another consumer was faster.
			if client.Claim(ctx, notification.Payload) == nil {
				begin(stream)
			}
		case notifs.StreamDisowned:
			if stop := stops[stream]; stop != nil {
				stop()
			}
		}
	}
}

// work returns true once the session has ended, and false once another consumer owns it.
func work(ctx context.Context, data *redis.Client, me, stream string) bool {
	group := service + "-group"
	data.XGroupCreateMkStream(ctx, stream, group, "0")
	for ctx.Err() == nil {
		for _, message := range next(ctx, data, group, me, stream) {
			var event struct{ Kind, Page string }
			payload, _ := message.Values["payload"].(string)
			if err := json.Unmarshal([]byte(payload), &event); err != nil {
				log.Print(err)
			}
			fmt.Println(stream, event.Page)
			data.XAck(ctx, stream, group, message.ID)
			if event.Kind == "logged-out" {
				return true
			}
		}
	}
	return false
}

// next reads what an earlier owner left pending, and then what is new.
func next(ctx context.Context, data *redis.Client, group, me, stream string) []redis.XMessage {
	left, _, err := data.XAutoClaim(ctx, &redis.XAutoClaimArgs{
		Stream: stream, Group: group, Consumer: me, Start: "0-0", Count: 1,
	}).Result()
	if err == nil && len(left) > 0 {
		return left
	}
	read, err := data.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: group, Consumer: me, Streams: []string{stream, ">"}, Count: 1, Block: time.Second,
	}).Result()
	if err != nil || len(read) == 0 {
		return nil
	}
	return read[0].Messages
}
