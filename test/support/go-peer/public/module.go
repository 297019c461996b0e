// All that depends on the public module. It compiles with each version that has Init with one channel
// and options that may fail, whether Claim takes the lock there or announces the stream anew.
package main

import (
	"context"
	"time"

	"github.com/handcoding-labs/redis-stream-client-go/impl"
	"github.com/handcoding-labs/redis-stream-client-go/notifs"
	"github.com/handcoding-labs/redis-stream-client-go/types"
	"github.com/redis/go-redis/v9"
)

var kinds = map[notifs.NotificationType]string{
	notifs.StreamAdded:      "added",
	notifs.StreamExpired:    "expired",
	notifs.StreamDisowned:   "disowned",
	notifs.StreamTerminated: "terminated",
}

type module struct{ types.RedisStreamClient }

func newClient(data *redis.Client, service string) (client, error) {
	made, err := impl.NewRedisStreamClient(data, service,
		// Ours has set up the notifications already, which it takes for a conflict otherwise.
		impl.WithForceConfigOverride(),
		impl.WithLBSIdleTime(duration("IDLE_TIME", 40*time.Second)))
	if err != nil {
		return nil, err
	}
	return module{made}, nil
}

func (m module) Init(ctx context.Context) (<-chan notice, error) {
	notifications, err := m.RedisStreamClient.Init(ctx)
	if err != nil {
		return nil, err
	}
	notices := make(chan notice)
	go func() {
		defer close(notices)
		for one := range notifications {
			reason, _ := one.AdditionalInfo["info"].(string)
			notices <- notice{kinds[one.Type], place{one.Payload.DataStreamName, one.Payload.IDInLBS}, reason}
		}
	}()
	return notices, nil
}

func (m module) Claim(ctx context.Context, lost place) (bool, error) {
	err := m.RedisStreamClient.Claim(ctx, notifs.LBSInfo{DataStreamName: lost.stream, IDInLBS: lost.id})
	return !m.requeues(), err
}

// Versions that announce abandoned streams anew are known by what came with it.
func (m module) requeues() bool {
	switch m.RedisStreamClient.(type) {
	case interface{ ReinitTopology(context.Context) error }:
		return true
	case interface{ ResetTopology(context.Context) error }:
		return true
	}
	return false
}
