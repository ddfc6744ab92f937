# Keeps a machine's name and identity in Terraform's state; same outputs as inventory/record-ansible (G1).
terraform {
  required_version = ">= 1.4.0"
}

variable "name" {
  type = string
}

variable "address" {
  type = string
}

variable "domain" {
  type = string
}

locals {
  fqdn = lower("${var.name}.${trimsuffix(var.domain, ".")}")
}

resource "terraform_data" "machine" {
  input = {
    id   = substr(sha256("${local.fqdn}/${var.address}"), 0, 16)
    fqdn = local.fqdn
  }
}

output "id" {
  value = terraform_data.machine.output.id
}

output "fqdn" {
  value = terraform_data.machine.output.fqdn
}
