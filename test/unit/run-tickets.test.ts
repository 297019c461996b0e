import { describe, expect, it } from 'vitest';
import { Delivery } from '../../lib/core/delivery.js';
import type { Lease } from '../../lib/core/lease.js';
import { RunTickets } from '../../lib/nest/handling/run-tickets.js';
import { StreamContext } from '../../lib/nest/handling/stream.context.js';

const run = () => new StreamContext(new Delivery({} as Lease, 'group', 'consumer'));

describe('tickets of runs', () => {
  it('lead back to their run, once', () => {
    const tickets = new RunTickets();
    const [first, second] = [run(), run()];
    const [one, two] = [tickets.issue(first), tickets.issue(second)];
    expect(tickets.redeem(two)).toBe(second);
    expect(tickets.redeem(one)).toBe(first);
    expect(tickets.redeem(one)).toBeUndefined();
  });

  it('are not mistaken for anything else', () => {
    const tickets = new RunTickets();
    const ticket = tickets.issue(run());
    for (const other of [0, -1, ticket + 256, String(ticket), undefined, {}, Number.NaN]) {
      expect(tickets.redeem(other)).toBeUndefined();
    }
  });

  it('are as many as needed', () => {
    const tickets = new RunTickets();
    const runs = Array.from({ length: 5000 }, run);
    const numbers = runs.map((context) => tickets.issue(context));
    expect(numbers.map((ticket) => tickets.redeem(ticket))).toEqual(runs);
  });

  it('do not add up where a run never comes back', () => {
    const tickets = new RunTickets();
    const stuck = run();
    const ticket = tickets.issue(stuck);
    for (let count = 0; count < 10_000; count++) tickets.redeem(tickets.issue(run()));
    expect(tickets['ring']).toHaveLength(256);
    expect(tickets.redeem(ticket)).toBe(stuck);
  });
});
