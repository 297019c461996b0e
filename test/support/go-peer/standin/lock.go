package main

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	lease = 2 * time.Second
	tries = 32
)

var extending = redis.NewScript(`
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if holder then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX')
return 1`)

var unlocking = redis.NewScript(`
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then return redis.call('DEL', KEYS[1]) end
if holder then return 0 end
return -1`)

func keyOf(here place) string { return here.stream + separator + here.id }

// lock is tried for a third of a second. Each failure undoes what it may have done.
func (s *standIn) lock(ctx context.Context, here place) error {
	for n := 0; n < tries; n++ {
		if n > 0 {
			time.Sleep(10 * time.Millisecond)
		}
		if locked, err := s.redis.SetNX(ctx, keyOf(here), s.me, lease).Result(); err == nil && locked {
			return nil
		}
		_ = unlocking.Run(ctx, s.redis, []string{keyOf(here)}, s.me).Err()
	}
	return errors.New("the lock is taken")
}

func (s *standIn) extend(ctx context.Context, here place) bool {
	kept, err := extending.Run(ctx, s.redis, []string{keyOf(here)}, s.me, lease.Milliseconds()).Int()
	return err == nil && kept == 1
}

// unlock is content with a lock that has expired, and not with one that others have.
func (s *standIn) unlock(ctx context.Context, here place) error {
	word, err := unlocking.Run(ctx, s.redis, []string{keyOf(here)}, s.me).Int()
	if err == nil && word == 0 {
		return errors.New("the lock is taken")
	}
	return err
}
