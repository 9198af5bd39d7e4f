import PodRuntime
import Testing

@Suite struct ResourceConversionTests {
    @Test(
        arguments: [
            (0, 2), (-5, 2), (1, 2), (2, 2), (3, 3), (100, 102), (500, 512), (1000, 1024), (2500, 2560),
            (256_000, 262_144),
            (1_000_000, 262_144), (Int64.max, 262_144),
        ] as [(Int64, Int64)])
    func sharesAre1024ACPUWithinTheKernelsBounds(milliCPU: Int64, shares: Int64) {
        #expect(ResourceConversion.shares(milliCPU: milliCPU) == shares)
    }

    @Test(
        arguments: [(0, 1), (2, 1), (102, 4), (512, 20), (1024, 39), (2048, 79), (262_143, 9999), (262_144, 10_000)]
            as [(Int64, Int64)])
    func thePodsGroupsHaveTheKubeletsLinearWeight(shares: Int64, weight: Int64) {
        #expect(ResourceConversion.linearWeight(shares: shares) == weight)
    }

    @Test(
        arguments: [
            (0, 1), (2, 1), (10, 4), (102, 17), (512, 59), (1024, 100), (2048, 174), (4096, 303), (262_144, 10_000),
        ] as [(Int64, Int64)])
    func aContainerHasTheRuntimesQuadraticWeight(shares: Int64, weight: Int64) {
        #expect(ResourceConversion.containerWeight(shares: shares) == weight)
    }

    @Test(
        arguments: [
            (0, "max 100000"), (1, "1000 100000"), (5, "1000 100000"), (10, "1000 100000"), (11, "1100 100000"),
            (100, "10000 100000"), (1000, "100000 100000"), (2500, "250000 100000"), (Int64.max, "max 100000"),
        ] as [(Int64, String)])
    func cpuMaxIsAtLeastAMillisecondAPeriod(milliCPU: Int64, text: String) {
        #expect(ResourceConversion.cpuMax(quota: ResourceConversion.quota(milliCPU: milliCPU)) == text)
    }
}
