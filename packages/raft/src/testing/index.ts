export { SafetyCheckers } from './checkers.ts';
export { copyMessage, SimNetwork } from './network.ts';
export { Prng } from './prng.ts';
export { SimMember } from './sim-member.ts';
export { type SimulationReport, Simulator } from './simulator.ts';
