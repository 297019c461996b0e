// A stand-in for consumers that use redis-stream-client-go: the same keys, fields and steps, written
// from their description. See README.md beside this folder.
package main

import (
	"context"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	separator = "<MUTEX_KEY_SEP>"
	lease     = 2 * time.Second
	field     = "lbs-input"
	retries   = "_retry_count"
	mostTries = 3
)

var extend = redis.NewScript(`
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if holder then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX')
return 1`)

var unlock = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`)

type peer struct {
	client            *redis.Client
	me, inputs, group string
	mutex             sync.Mutex
	owned             map[string]string
}

func main() {
	service := os.Getenv("SERVICE")
	p := &peer{
		client: redis.NewClient(&redis.Options{Addr: os.Getenv("REDIS_ADDR")}),
		me:     "redis-consumer-" + os.Getenv("POD_NAME"),
		inputs: service + "-input",
		group:  service + "-group",
		owned:  map[string]string{},
	}
	ctx := context.Background()
	_ = p.client.XGroupCreateMkStream(ctx, p.inputs, p.group, "$").Err()
	_ = p.client.ConfigSet(ctx, "notify-keyspace-events", "KEx").Err()
	if os.Getenv("PROTOCOL") == "requeue" {
		go p.requeueAbandoned(ctx)
	} else {
		go p.claimExpired(ctx)
	}
	say(line{Event: "ready"})
	p.readInputs(ctx)
}

func (p *peer) readInputs(ctx context.Context) {
	for {
		read, err := p.client.XReadGroup(ctx, &redis.XReadGroupArgs{
			Group: p.group, Consumer: p.me, Streams: []string{p.inputs, ">"}, Count: 1, Block: 0,
		}).Result()
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		for _, message := range read[0].Messages {
			if stream := streamOf(message); stream != "" && p.lock(ctx, stream, message.ID) {
				p.own(ctx, stream, message.ID)
			}
		}
	}
}

func streamOf(message redis.XMessage) string {
	var said struct{ DataStreamName string }
	text, _ := message.Values[field].(string)
	_ = json.Unmarshal([]byte(text), &said)
	return said.DataStreamName
}

func (p *peer) lock(ctx context.Context, stream, id string) bool {
	ok, err := p.client.SetNX(ctx, stream+separator+id, p.me, lease).Result()
	return err == nil && ok
}

func (p *peer) own(ctx context.Context, stream, id string) {
	key := stream + separator + id
	working, cancel := context.WithCancel(ctx)
	p.mutex.Lock()
	p.owned[stream] = id
	p.mutex.Unlock()
	say(line{Event: "owned", Stream: stream})
	go func() {
		for range time.Tick(lease / 2) {
			if working.Err() != nil {
				return
			}
			if ok, err := extend.Run(ctx, p.client, []string{key}, p.me, lease.Milliseconds()).Int(); err == nil && ok == 0 {
				say(line{Event: "lost", Stream: stream})
				cancel()
				return
			}
		}
	}()
	go work(working, p.client, p.group, p.me, stream, func() {
		cancel()
		_ = unlock.Run(ctx, p.client, []string{key}, p.me).Err()
		_ = p.client.XAck(ctx, p.inputs, p.group, id).Err()
		_ = p.client.XDel(ctx, p.inputs, id).Err()
		say(line{Event: "done", Stream: stream})
	})
}

// The older generation: whoever hears of a lock that has expired claims the input, then locks.
func (p *peer) claimExpired(ctx context.Context) {
	for message := range p.client.PSubscribe(ctx, "__keyspace@0__:*"+separator+"*").Channel() {
		name := strings.TrimPrefix(message.Channel, "__keyspace@0__:")
		stream, id, found := strings.Cut(name, separator)
		if message.Payload != "expired" || !found {
			continue
		}
		claimed, err := p.client.XClaim(ctx, &redis.XClaimArgs{
			Stream: p.inputs, Group: p.group, Consumer: p.me, MinIdle: lease, Messages: []string{id},
		}).Result()
		if err == nil && len(claimed) > 0 && p.lock(ctx, stream, id) {
			p.own(ctx, stream, id)
		}
	}
}

// The newer one: whoever finds an old input without a lock announces it anew.
func (p *peer) requeueAbandoned(ctx context.Context) {
	for range time.Tick(500 * time.Millisecond) {
		pending, err := p.client.XPendingExt(ctx, &redis.XPendingExtArgs{
			Stream: p.inputs, Group: p.group, Idle: 3 * time.Second, Start: "-", End: "+", Count: 50,
		}).Result()
		if err != nil {
			continue
		}
		for _, entry := range pending {
			p.requeue(ctx, entry.ID)
		}
	}
}

func (p *peer) requeue(ctx context.Context, id string) {
	found, err := p.client.XRange(ctx, p.inputs, id, id).Result()
	if err != nil || len(found) == 0 {
		return
	}
	stream := streamOf(found[0])
	if alive, err := p.client.Exists(ctx, stream+separator+id).Result(); err != nil || alive > 0 {
		return
	}
	text, _ := found[0].Values[retries].(string)
	tries, _ := strconv.Atoi(text)
	if acked, err := p.client.XAck(ctx, p.inputs, p.group, id).Result(); err != nil || acked == 0 {
		return
	}
	values := found[0].Values
	values[retries] = strconv.Itoa(tries + 1)
	target := p.inputs
	if tries+1 > mostTries {
		target = p.inputs + "-dlq"
		values["_dlq_reason"] = "max_retries_exceeded"
	}
	_ = p.client.XAdd(ctx, &redis.XAddArgs{Stream: target, Values: values}).Err()
	_ = p.client.XDel(ctx, p.inputs, id).Err()
}
