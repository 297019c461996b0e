import { describe, expect, it } from 'vitest';
import { Outages } from '../../lib/drivers/connections/outages.js';

const IDLE = 30_000;
const RETURN = 2500;

/** A connection that breaks while nothing is asked, and is back after so long. */
function cut(outages: Outages, at: number, lasted: number): void {
  outages.broke(at);
  outages.over(at + lasted, 'known');
}

describe('what an outage adds to the time after which an owner counts as gone', () => {
  it('is nothing before the first one', () => {
    expect(new Outages().allowance(IDLE, 5)).toBe(0);
  });

  it('is its length and the time to return, until that has passed', () => {
    const outages = new Outages();
    cut(outages, 1000, 60_000);
    expect(outages.allowance(IDLE, 61_000)).toBe(RETURN + 60_000);
    expect(outages.allowance(IDLE, 61_000 + RETURN - 1)).toBe(RETURN + 60_000);
    expect(outages.allowance(IDLE, 61_000 + RETURN)).toBe(0);
  });

  it('counts from the last answer, where one was awaited', () => {
    const outages = new Outages();
    outages.sent(1000);
    outages.sent(1500);
    outages.answered(2000);
    outages.unanswered();
    outages.broke(7000);
    outages.over(8000, 'known');
    expect(outages.allowance(IDLE, 8000)).toBe(RETURN + 6000);
  });

  it('counts from the break, where all was answered', () => {
    const outages = new Outages();
    outages.sent(1000);
    outages.answered(1001);
    cut(outages, 7000, 100);
    expect(outages.allowance(IDLE, 7100)).toBe(RETURN + 100);
  });

  it('counts what broke one after the other, and stays bounded however often that happens', () => {
    const outages = new Outages();
    for (let at = 0; at < 1_000_000; at += 2000) cut(outages, at, 100);
    const seen = Math.floor((IDLE + RETURN) / 2000) * 100;
    const allowance = outages.allowance(IDLE, 1_000_000);
    expect(allowance).toBeGreaterThanOrEqual(RETURN + seen);
    expect(allowance).toBeLessThan(RETURN + seen + 500);
  });

  it('is a day where its beginning is not known, for as long as owners may return', () => {
    const outages = new Outages();
    outages.over(1000, 'unknown');
    expect(outages.allowance(IDLE, 2000)).toBeGreaterThan(86_000_000);
    cut(outages, 10_000, 100);
    expect(outages.allowance(IDLE, 10_100)).toBe(RETURN + 100);
  });
});
