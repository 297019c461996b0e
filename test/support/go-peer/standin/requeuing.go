package main

import (
	"context"
	"math/rand"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	retries   = "_retry_count"
	reason    = "_dlq_reason"
	mostTries = 3
)

// requeuing is the newer generation: whoever finds an input without a lock announces it anew.
type requeuing struct{ *standIn }

func (r requeuing) Init(ctx context.Context) (<-chan notice, error) {
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	go r.read(ctx)
	go r.scan(ctx)
	return r.notices, nil
}

func (r requeuing) Claim(ctx context.Context, lost place) (bool, error) {
	done, err := r.requeue(ctx, lost.id)
	if err == nil && !done {
		err = errClaimed
	}
	return false, err
}

func (r requeuing) DoneStream(ctx context.Context, stream string) error {
	done, err := r.pop(stream)
	if err != nil {
		return err
	}
	if err := r.finish(ctx, done.id); err != nil {
		return err
	}
	return r.unlock(ctx, done)
}

func (r requeuing) scan(ctx context.Context) {
	interval := duration("SCAN_INTERVAL", time.Minute)
	for {
		pending, _ := r.redis.XPendingExt(ctx, &redis.XPendingExtArgs{
			Stream: r.inputs, Group: r.group, Idle: duration("MIN_IDLE", 30*time.Second),
			Start: "-", End: "+", Count: 50,
		}).Result()
		for _, entry := range pending {
			_, _ = r.requeue(ctx, entry.ID)
		}
		time.Sleep(interval + time.Duration(rand.Int63n(int64(interval/10))))
	}
}

// requeue acknowledges first: of several that try, one goes on.
func (r requeuing) requeue(ctx context.Context, id string) (bool, error) {
	found, err := r.redis.XRange(ctx, r.inputs, id, id).Result()
	if err != nil {
		return false, err
	}
	if len(found) == 0 {
		return false, r.redis.XAck(ctx, r.inputs, r.group, id).Err()
	}
	values, args := found[0].Values, redis.XAddArgs{Stream: r.inputs}
	text, _ := values[retries].(string)
	count, _ := strconv.Atoi(text)
	stream, err := streamOf(found[0])
	if err != nil {
		values[reason] = "unparseable"
	} else {
		alive, err := r.redis.Exists(ctx, keyOf(place{stream, id})).Result()
		if err != nil || alive > 0 {
			return false, err
		}
		// Others may lock it in between.
		time.Sleep(duration("HESITATION", 0))
		if count++; count > mostTries {
			values[reason] = "max_retries_exceeded"
		}
	}
	values[retries] = strconv.Itoa(count)
	if values[reason] != nil {
		args = redis.XAddArgs{Stream: r.inputs + "-dlq", MaxLen: 10_000, Approx: true}
	}
	if acked, err := r.redis.XAck(ctx, r.inputs, r.group, id).Result(); err != nil || acked == 0 {
		return false, err
	}
	args.Values = values
	if err := r.redis.XAdd(ctx, &args).Err(); err != nil {
		return false, err
	}
	_ = r.redis.XDel(ctx, r.inputs, id).Err()
	return true, nil
}
