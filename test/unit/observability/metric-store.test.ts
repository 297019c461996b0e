import { describe, expect, it } from 'vitest';
import { MetricStore } from '../../../lib/observability/metrics/metric-store.js';
import { prometheusText } from '../../../lib/observability/metrics/prometheus-text.js';
import { systemClock } from '../../../lib/core/clock.js';

async function pageOf(store: MetricStore): Promise<string> {
  let page = '';
  for await (const piece of prometheusText(store.used, systemClock)) page += piece;
  return page;
}

describe('the series of a metric', () => {
  it('count apart, however many there are', async () => {
    const store = new MetricStore(1000);
    for (let index = 0; index < 200; index++) store.count('dataLoss', [`s${index}`, 'g'], index);
    for (let index = 0; index < 200; index++) store.count('dataLoss', [`s${index}`, 'g']);
    const { all } = store.of('dataLoss');
    expect(all.map((one) => store.of('dataLoss').valueOf(one))).toEqual(
      Array.from({ length: 200 }, (_, index) => index + 1),
    );
  });

  it('share one beyond the limit, also where only the first label is new', async () => {
    const store = new MetricStore(2);
    store.count('dataLoss', ['a', 'g']);
    store.count('dataLoss', ['b', 'g']);
    store.count('dataLoss', ['c', 'g']);
    store.count('dataLoss', ['a', 'other']);
    store.count('dataLoss', ['a', 'g']);
    const lines = (await pageOf(store)).split('\n').filter((line) => !line.startsWith('#'));
    const name = 'nestjs_redis_streams_data_loss_suspicions_total';
    const labels = (stream: string, group: string) =>
      `{messaging_destination_name="${stream}",messaging_consumer_group_name="${group}"}`;
    expect(lines).toEqual([
      `${name}${labels('a', 'g')} 2`,
      `${name}${labels('b', 'g')} 1`,
      `${name}${labels('overflow', 'overflow')} 2`,
      '',
    ]);
  });

  it('are gone once they are cleared, and begin at 0 again', () => {
    const store = new MetricStore(2);
    store.set('groupLag', ['a', 'g'], 7);
    store.of('groupLag').clear();
    expect(store.used).toEqual([]);
    store.count('groupLag', ['b', 'g'], 1);
    expect(store.of('groupLag').valueOf(store.of('groupLag').all[0]!)).toBe(1);
  });
});

describe('a histogram', () => {
  it('has each value in the first bucket whose bound it does not exceed', () => {
    const store = new MetricStore(10);
    for (const seconds of [0.005, 0.0051, 1, 10, 10.1, 1e9])
      store.observe('wait', ['s', 'g', 'h'], seconds);
    const wait = store.of('wait');
    const { counts, count, sum } = wait.histogramOf(wait.all[0]!);
    expect(counts).toEqual([1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 2]);
    expect(count).toBe(6);
    expect(sum).toBeCloseTo(1e9 + 21.1101);
  });

  it('takes what is no duration as 0', () => {
    const store = new MetricStore(10);
    for (const seconds of [NaN, -1]) store.observe('wait', ['s', 'g', 'h'], seconds);
    const wait = store.of('wait');
    expect(wait.histogramOf(wait.all[0]!)).toMatchObject({ count: 2, sum: 0 });
  });

  it('is written with buckets that grow', async () => {
    const store = new MetricStore(10);
    for (const seconds of [0.004, 0.02, 20]) store.observe('wait', ['s', 'g', ''], seconds);
    const page = await pageOf(store);
    const labels = 'messaging_destination_name="s",messaging_consumer_group_name="g"';
    const name = 'nestjs_redis_streams_wait_duration_seconds';
    expect(page).toContain(`# TYPE ${name} histogram\n`);
    expect(page).toContain(`${name}_bucket{${labels},le="0.005"} 1\n`);
    expect(page).toContain(`${name}_bucket{${labels},le="0.01"} 1\n`);
    expect(page).toContain(`${name}_bucket{${labels},le="0.025"} 2\n`);
    expect(page).toContain(`${name}_bucket{${labels},le="10"} 2\n`);
    expect(page).toContain(`${name}_bucket{${labels},le="+Inf"} 3\n`);
    expect(page).toContain(`${name}_sum{${labels}} 20.024\n`);
    expect(page).toContain(`${name}_count{${labels}} 3\n`);
  });
});

it('quotes, backslashes and line ends in labels are escaped', async () => {
  const store = new MetricStore(10);
  store.count('promoted', ['a"b\\c\nd']);
  expect(await pageOf(store)).toContain(String.raw`messaging_destination_name="a\"b\\c\nd"} 1`);
});
