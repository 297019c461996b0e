package main

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// locking is the older generation: whoever hears of a lock that has expired claims the input, then
// locks; and whoever starts claims all that is old, and does not start where one of it is locked.
type locking struct{ *standIn }

func (l locking) Init(ctx context.Context) (<-chan notice, error) {
	if err := l.open(ctx); err != nil {
		return nil, err
	}
	if err := l.recover(ctx); err != nil {
		return nil, err
	}
	go l.read(ctx)
	return l.notices, nil
}

func (l locking) recover(ctx context.Context) error {
	var old []redis.XMessage
	for next := ""; next != "0-0"; {
		messages, start, err := l.redis.XAutoClaim(ctx, &redis.XAutoClaimArgs{
			Stream: l.inputs, Group: l.group, Consumer: l.me,
			MinIdle: duration("IDLE_TIME", 40*time.Second), Start: "0-0", Count: 1000,
		}).Result()
		if err != nil {
			return err
		}
		old = append(old, messages...)
		next = start
	}
	return l.acceptAll(ctx, old)
}

func (l locking) Claim(ctx context.Context, lost place) (bool, error) {
	claimed, err := l.redis.XClaim(ctx, &redis.XClaimArgs{
		Stream: l.inputs, Group: l.group, Consumer: l.me, MinIdle: lease, Messages: []string{lost.id},
	}).Result()
	if err != nil {
		return false, err
	}
	if len(claimed) == 0 {
		return false, errClaimed
	}
	if err := l.lock(ctx, lost); err != nil {
		return false, err
	}
	l.own(ctx, lost)
	return true, nil
}

func (l locking) DoneStream(ctx context.Context, stream string) error {
	done, err := l.pop(stream)
	if err != nil {
		return err
	}
	if err := l.unlock(ctx, done); err != nil {
		return err
	}
	return l.finish(ctx, done.id)
}
