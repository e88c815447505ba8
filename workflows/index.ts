export { drainWave } from './drain-wave.js';
