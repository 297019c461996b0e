// A stand-in for the client of redis-stream-client-go: the same commands in the same order, told by
// what it does on the wire. See README.md beside this folder.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	separator = "<MUTEX_KEY_SEP>"
	keyspace  = "__keyspace@0__:"
	setting   = "notify-keyspace-events"
	field     = "lbs-input"
)

var errClaimed = errors.New("somebody else has it")

// standIn is what both generations have in common.
type standIn struct {
	redis             *redis.Client
	me, inputs, group string
	notices           chan notice
	mutex             sync.Mutex
	owned             map[string]string
}

func newClient(data *redis.Client, service string) (client, error) {
	common := &standIn{
		redis:   data,
		me:      "redis-consumer-" + os.Getenv("POD_NAME"),
		inputs:  service + "-input",
		group:   service + "-group",
		notices: make(chan notice, 500),
		owned:   map[string]string{},
	}
	if os.Getenv("PROTOCOL") == "requeue" {
		return requeuing{common}, nil
	}
	return locking{common}, nil
}

func (s *standIn) ID() string { return s.me }

// open sets up notifications, as WithForceConfigOverride does it, and the group.
func (s *standIn) open(ctx context.Context) error {
	if err := s.redis.ConfigGet(ctx, setting).Err(); err != nil {
		return err
	}
	if err := s.redis.ConfigSet(ctx, setting, "KEx").Err(); err != nil {
		return err
	}
	go s.listen(s.redis.PSubscribe(ctx, keyspace+"*"+separator+"*"))
	err := s.redis.XGroupCreateMkStream(ctx, s.inputs, s.group, "$").Err()
	if err != nil && !strings.Contains(err.Error(), "BUSYGROUP") {
		return err
	}
	return nil
}

func (s *standIn) listen(subscription *redis.PubSub) {
	for message := range subscription.Channel() {
		parts := strings.Split(strings.TrimPrefix(message.Channel, keyspace), separator)
		if message.Payload == "expired" && len(parts) == 2 {
			s.notices <- notice{kind: "expired", place: place{parts[0], parts[1]}}
		}
	}
}

// read takes whatever there is, however much. Whatever it cannot make its own ends it.
func (s *standIn) read(ctx context.Context) {
	delay := 100 * time.Millisecond
	for failures := 0; ; {
		read, err := s.redis.XReadGroup(ctx, &redis.XReadGroupArgs{
			Group: s.group, Consumer: s.me, Streams: []string{s.inputs, ">"}, Block: 0,
		}).Result()
		if err != nil {
			if failures++; failures > 5 {
				s.notices <- notice{kind: "terminated", reason: err.Error()}
				return
			}
			time.Sleep(delay)
			delay *= 2
			continue
		}
		failures, delay = 0, 100*time.Millisecond
		if err := s.acceptAll(ctx, read[0].Messages); err != nil {
			s.notices <- notice{kind: "terminated", reason: err.Error()}
			return
		}
	}
}

func (s *standIn) acceptAll(ctx context.Context, messages []redis.XMessage) error {
	for _, message := range messages {
		stream, err := streamOf(message)
		if err != nil {
			return err
		}
		here := place{stream, message.ID}
		if err := s.lock(ctx, here); err != nil {
			return err
		}
		s.own(ctx, here)
		s.notices <- notice{kind: "added", place: here}
	}
	return nil
}

func streamOf(message redis.XMessage) (string, error) {
	var said struct {
		DataStreamName string
		Info           map[string]any
	}
	text, ok := message.Values[field].(string)
	if !ok {
		return "", errors.New("no " + field)
	}
	if err := json.Unmarshal([]byte(text), &said); err != nil {
		return "", err
	}
	if said.DataStreamName == "" {
		return "", errors.New("no stream is named")
	}
	return said.DataStreamName, nil
}

// own keeps the lock alive until it is lost, or nothing of that name is owned any more.
func (s *standIn) own(ctx context.Context, here place) {
	s.mutex.Lock()
	s.owned[here.stream] = here.id
	s.mutex.Unlock()
	go func() {
		for s.owns(here.stream) {
			if !s.extend(ctx, here) {
				s.notices <- notice{kind: "disowned", place: here}
				_, _ = s.pop(here.stream)
				return
			}
			time.Sleep(lease / 2)
		}
	}()
}

func (s *standIn) owns(stream string) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	_, owned := s.owned[stream]
	return owned
}

func (s *standIn) pop(stream string) (place, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	id, owned := s.owned[stream]
	if !owned {
		return place{}, errors.New("not owned")
	}
	delete(s.owned, stream)
	return place{stream, id}, nil
}

func (s *standIn) finish(ctx context.Context, id string) error {
	if err := s.redis.XAck(ctx, s.inputs, s.group, id).Err(); err != nil {
		return err
	}
	return s.redis.XDel(ctx, s.inputs, id).Err()
}
