# Read-only: does every key refuse every former primary?
def main():
    addresses = {host["address"] for host in former()}
    if lines() and given["revoked"] and all(addresses <= set(refused(line)) for line in lines()):
        outputs.update({"proof": claim()})


tell(main)
