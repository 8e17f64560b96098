#!/usr/bin/env node
import { kvctlProgram } from './kvctl-program.ts';
import { runOnNode } from './node-host.ts';

void runOnNode(kvctlProgram);
