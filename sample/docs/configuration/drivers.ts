import { loadConfig } from 'nestjs-redis-streams/config';
import { memory } from 'nestjs-redis-streams/memory';

// Stands for the driver of another package.
const file = ({ maxKeys }: { maxKeys: number }) => memory({ maxKeys });

export const options = (path: string) =>
  // #region drivers
  loadConfig(path, 'order-processor', { drivers: { file } });
// #endregion
