import { describe, expect, it } from 'vitest';
import { withoutPasswords } from '../../lib/core/errors/text-of.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { until } from '../support/until.js';
import { secret, secretInUrl, wordOf } from '../support/secrets.js';

const url = `redis://u:${secretInUrl('user')}@host`;

describe('texts of foreign errors are shown without passwords', () => {
  it.each([
    [`no way to ${url}:6379/0: refused`, 'no way to redis://***@host:6379/0: refused'],
    [`redis://u:${secret('user')}@host/0`, 'redis://***@host/0'],
    [
      `rediss://a:x@h1,redis://b:y@h2, nats://c@h3`,
      'rediss://***@h1,redis://***@h2, nats://***@h3',
    ],
    [
      `{"url":"${url}","by":"ada@example.com"}`,
      '{"url":"redis://***@host","by":"ada@example.com"}',
    ],
    ['host=h password=Show user=u', 'host=h password=*** user=u'],
    [
      `postgres://h/db?user=u&password=${secretInUrl('data')}&ssl=1`,
      'postgres://h/db?user=u&password=***&ssl=1',
    ],
    [`password='a b' x`, 'password=*** x'],
    ['http://host/path, told to ada@example.com', 'http://host/path, told to ada@example.com'],
  ])('%s', (text, shown) => expect(withoutPasswords(text)).toBe(shown));

  it('in little time, also where a text is made to take long', () => {
    const start = performance.now();
    for (const part of ['a://', 'a', '@', ',a://', 'password=']) {
      withoutPasswords(`@${part.repeat(16_384)}`);
    }
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it('also where no listener takes the failure of another', async () => {
    const warnings: Error[] = [];
    const hear = (warning: Error): void => void warnings.push(warning);
    process.on('warning', hear);
    const events = new EventBus();
    events.on('warning', () => {
      throw new Error(`no way to ${url}`);
    });
    events.emit('warning', { code: 'X', message: 'x' });
    await until('Node tells it', () => warnings.some(({ name }) => name === 'StreamsWarning'));
    process.off('warning', hear);
    expect(warnings.map(({ message }) => message).join()).toContain('redis://***@host');
    expect(warnings.map(({ message }) => message).join()).not.toContain(wordOf('user'));
  });
});
