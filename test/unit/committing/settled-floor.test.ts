import { expect, it } from 'vitest';
import { SettledFloor } from '../../../lib/committing/settled-floor.js';

const ids = {
  accepts: (id: string) => /^\d+$/.test(id),
  compare: (a: string, b: string) => Number(a) - Number(b),
  expected: 'a number',
};

function floorOf(begin: string | undefined, ...handedOut: string[]): SettledFloor {
  const floor = new SettledFloor(ids, begin);
  for (const id of handedOut) floor.handedOut(id);
  return floor;
}

it('nothing is settled before the first entry, at the beginning of a stream', () => {
  expect(floorOf(undefined).position).toBeUndefined();
  expect(floorOf(undefined, '1', '2').position).toBeUndefined();
});

it('the floor is where the source began, until something is settled', () => {
  expect(floorOf('7').position).toBe('7');
  expect(floorOf('7', '8', '9').position).toBe('7');
});

it('the floor is before the oldest unsettled entry', () => {
  const floor = floorOf(undefined, '8', '9', '10', '12');
  floor.settled('9');
  floor.settled('12');
  expect(floor.position).toBeUndefined();
  floor.settled('8');
  expect(floor.position).toBe('9');
  floor.settled('10');
  expect(floor.position).toBe('12');
});

it('an entry that comes again keeps its place', () => {
  const floor = floorOf(undefined, '8', '9', '10');
  floor.settled('8');
  floor.handedOut('9');
  floor.settled('10');
  expect(floor.position).toBe('8');
  floor.settled('9');
  expect(floor.position).toBe('10');
});

it('an entry that comes again after it was settled holds up nothing, and is not the newest', () => {
  const floor = floorOf(undefined, '8', '9');
  floor.settled('8');
  floor.settled('9');
  floor.handedOut('8');
  expect(floor.position).toBe('9');
});

it('the beginning of a stream is before all ids', () => {
  const strict = {
    ...ids,
    compare: (a: string, b: string) => {
      if (a === '0' || b === '0') throw new Error('no id');
      return Number(a) - Number(b);
    },
  };
  const floor = new SettledFloor(strict, '0');
  floor.handedOut('1');
  expect(floor.position).toBe('0');
  floor.settled('1');
  expect(floor.position).toBe('1');
});
