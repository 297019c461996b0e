import { memory } from 'nestjs-redis-streams/memory';
import { expect, it } from 'vitest';
import { ConnectionStatus } from '../../lib/nest/transport/connection-status.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { inAllSlots } from '../support/in-all-slots.js';

const error = new Error('connection lost');

function statusOf() {
  const runtime = new StreamsRuntime({ slots: inAllSlots(memory()), group: 'g' });
  const words: string[] = [];
  ConnectionStatus.of(runtime).tell((word) => words.push(word));
  return { events: runtime.events, words };
}

it('is that of all connections, also where some have the same role', () => {
  const { events, words } = statusOf();
  events.emit('disconnected', { role: 'reader', connection: 1, error });
  events.emit('disconnected', { role: 'reader', connection: 2, error });
  events.emit('connected', { role: 'reader', connection: 2 });
  expect(words).toEqual(['reconnecting', 'reconnecting']);
  events.emit('connected', { role: 'reader', connection: 1 });
  expect(words.at(-1)).toBe('connected');
});

it('tells connections of different drivers apart, which number them alike', () => {
  const { events, words } = statusOf();
  const [one, other] = [{ slots: ['messageSource'] }, { slots: ['stateStore'] }];
  events.emit('disconnected', { role: 'commands', connection: 1, error, ...one });
  events.emit('connected', { role: 'commands', connection: 1, ...other });
  expect(words).toEqual(['reconnecting']);
  events.emit('connected', { role: 'commands', connection: 1, ...one });
  expect(words.at(-1)).toBe('connected');
});

it('does not wait for a connection that is not needed any more', () => {
  const { events, words } = statusOf();
  events.emit('connection-retired', { role: 'commands', connection: 3 });
  expect(words).toEqual([]);
  events.emit('disconnected', { role: 'commands', connection: 4, error });
  events.emit('connection-retired', { role: 'commands', connection: 4 });
  expect(words).toEqual(['reconnecting', 'connected']);
});
