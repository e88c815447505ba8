import { NativeConnection, Worker } from '@temporalio/worker';
import { Context } from '@temporalio/activity';
import { drainTaskQueue } from './drain-task-queue.js';

/** A worker process whose drains begin, say so, and never end: `node --import tsx tests/support/hanging-drain-worker.ts ADDRESS BUNDLE`. */
const [address, codePath] = process.argv.slice(2);
if (address === undefined || codePath === undefined) throw new Error('usage: hanging-drain-worker.ts ADDRESS BUNDLE');

const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue: drainTaskQueue,
  workflowBundle: { codePath },
  activities: {
    drainDevices: async () => {
      Context.current().heartbeat();
      console.log('draining');
      await Context.current().cancelled;
    },
  },
});
await worker.run();
