export { type SimulationOptions, type SimulationReport, simulate } from './simulation.ts';
