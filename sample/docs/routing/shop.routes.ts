import type { Route } from 'nestjs-redis-streams/driver';

/** Both services of the shop, and all its producers, import this. */
export const routes: Route[] = [{ events: 'order.*', stream: 'orders' }];
