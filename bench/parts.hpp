// The measurements, one function for each row or group of rows of the table.
#pragma once

#include "measure.hpp"

namespace hyops::bench {

void measure_commands(Table& table);   // whole processes
void measure_plans(Table& table);      // 500 and 100,000 steps
void measure_ledger(Table& table);     // intent and outcome beside two raw durable commits
void measure_engine(Table& table);     // a step whose driver does nothing beside two commits
void measure_long_run(Table& table);   // memory and ledger of 10,000 steps
void measure_steps(Table& table);      // a no-op step beside a bare process and two commits
void measure_plugin(Table& table);     // start, load, one verb
void measure_memory(Table& table);     // a core that waits for its tool
void measure_redaction(Table& table);  // 1,000 secrets
void measure_record(Table& table);     // a million events
void measure_ansible(Table& table);    // tools through a step beside the same tools bare
void measure_terraform(Table& table);
void measure_packer(Table& table);
void measure_relay(Table& table);   // IAP's relay beside a bare one
void measure_access(Table& table);  // opening a proven endpoint beside a bare login
void measure_drill(Table& table);   // recovery beside one by hand

double memory_of(pid_t pid, const std::string& field);  // "VmRSS" and others of proc(5), in MiB

// Of the build that is measured; its shape is that of an installed tree.
std::string built(const std::string& path);

}  // namespace hyops::bench
