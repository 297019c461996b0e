// Package impl has the names of the public module, with the stand-in behind them. The files of the
// stand-in are copied beside this one when it is built.
package impl

import (
	"context"
	"os"
	"strconv"
	"time"

	"github.com/handcoding-labs/redis-stream-client-go/notifs"
	"github.com/redis/go-redis/v9"
)

type place struct{ stream, id string }

type notice struct {
	kind string
	place
	reason string
}

type client interface {
	ID() string
	Init(ctx context.Context) (<-chan notice, error)
	Claim(ctx context.Context, lost place) (bool, error)
	DoneStream(ctx context.Context, stream string) error
}

var kinds = map[string]notifs.NotificationType{
	"added":      notifs.StreamAdded,
	"expired":    notifs.StreamExpired,
	"disowned":   notifs.StreamDisowned,
	"terminated": notifs.StreamTerminated,
}

type RecoverableRedisOption func()

// WithForceConfigOverride does nothing: the stand-in always overrides.
func WithForceConfigOverride() RecoverableRedisOption { return func() {} }

type RedisStreamClient struct{ client }

func NewRedisStreamClient(data *redis.Client, service string, _ ...RecoverableRedisOption) (RedisStreamClient, error) {
	made, err := newClient(data, service)
	return RedisStreamClient{made}, err
}

func (c RedisStreamClient) Init(ctx context.Context) (<-chan notifs.Notification, error) {
	notices, err := c.client.Init(ctx)
	if err != nil {
		return nil, err
	}
	out := make(chan notifs.Notification)
	go func() {
		defer close(out)
		for one := range notices {
			out <- notifs.Notification{
				Type:           kinds[one.kind],
				Payload:        notifs.LBSInfo{DataStreamName: one.stream, IDInLBS: one.id},
				AdditionalInfo: map[string]any{"info": one.reason},
			}
		}
	}()
	return out, nil
}

func (c RedisStreamClient) Claim(ctx context.Context, lost notifs.LBSInfo) error {
	_, err := c.client.Claim(ctx, place{lost.DataStreamName, lost.IDInLBS})
	return err
}

// duration is a number of ms from the environment.
func duration(name string, usual time.Duration) time.Duration {
	if ms, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return time.Duration(ms) * time.Millisecond
	}
	return usual
}
