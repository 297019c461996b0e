package main

import (
	"context"
	"encoding/json"
	"os"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

type line struct {
	Event  string `json:"event"`
	Stream string `json:"stream,omitempty"`
	N      int    `json:"n"`
	Error  string `json:"error,omitempty"`
}

var printing sync.Mutex

func say(l line) {
	printing.Lock()
	defer printing.Unlock()
	_ = json.NewEncoder(os.Stdout).Encode(l)
}

// Handles the messages of one stream in the group that ours read in, until the last one or until
// the context ends. What an owner before had in hand comes first.
func work(ctx context.Context, client *redis.Client, group, me, stream string, done func()) {
	_ = client.XGroupCreateMkStream(ctx, stream, group, "0").Err()
	start := "0-0"
	for start != "" && ctx.Err() == nil {
		taken, next, err := client.XAutoClaim(ctx, &redis.XAutoClaimArgs{
			Stream: stream, Group: group, Consumer: me, MinIdle: 0, Start: start, Count: 100,
		}).Result()
		if err != nil {
			return
		}
		for _, message := range taken {
			if handle(ctx, client, group, stream, message) {
				done()
				return
			}
		}
		if start = next; start == "0-0" {
			start = ""
		}
	}
	for ctx.Err() == nil {
		read, err := client.XReadGroup(ctx, &redis.XReadGroupArgs{
			Group: group, Consumer: me, Streams: []string{stream, ">"}, Count: 1, Block: 100 * time.Millisecond,
		}).Result()
		if err == redis.Nil {
			continue
		}
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		for _, message := range read[0].Messages {
			if handle(ctx, client, group, stream, message) {
				done()
				return
			}
		}
	}
}

func handle(ctx context.Context, client *redis.Client, group, stream string, message redis.XMessage) bool {
	var payload struct {
		N    int  `json:"n"`
		Last bool `json:"last"`
	}
	text, _ := message.Values["payload"].(string)
	_ = json.Unmarshal([]byte(text), &payload)
	time.Sleep(2 * time.Millisecond)
	if ctx.Err() != nil {
		return false
	}
	say(line{Event: "handled", Stream: stream, N: payload.N})
	_ = client.XAck(ctx, stream, group, message.ID).Err()
	return payload.Last
}
