export { CallError, SimMember, type SimStorage } from './sim-member.ts';
